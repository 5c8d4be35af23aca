"""Chunked uploads, in any order, across days and restarts: one folder each, one file per chunk.

A chunk is written to a temporary file and renamed; it replaces a chunk with the same start. The
upload's metadata is in `upload.json`, which is locked: shared while writing a chunk, exclusively
while committing or deleting.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.errors import (
    ContentConflict,
    DigestMismatch,
    InvalidInput,
    NotRecorded,
    SizeMismatch,
)
from catalog.model.digest import Digest, Hasher
from gateway.http.range_header import ByteRange
from gateway.resource_store.chunks import ChunkedUpload, UploadSpec

BLOCK = 2**20  # bytes read at once
WEEK_S = 7 * 86_400.0
MAX_CHUNKS = 10_000  # per upload
MAX_OPEN = 1000  # uploads per tenant
_ABOUT = "upload.json"
_ID = re.compile(r"[0-9a-f]{32}")


class ChunkWriter:
    """Writes one chunk, which `finish` verifies and makes visible."""

    def __init__(self, folder: Path, part: ByteRange, expected: tuple[Digest, ...]) -> None:
        """Create the temporary file."""
        self._part, self._expected = part, expected
        self._target = folder / f"{part.start:020d}"
        self._draft = folder / f"tmp-{uuid.uuid4().hex}"
        self._hasher = Hasher(digest.algorithm for digest in expected) if expected else None
        self._size = 0  # bytes written
        self._file = self._draft.open("xb")

    def write(self, data: bytes) -> None:
        """Write the next bytes."""
        self._size += len(data)
        if self._size > self._part.length:
            raise SizeMismatch("the chunk", self._part.length, self._size)
        if self._hasher is not None:
            self._hasher.update(data)
        self._file.write(data)

    def finish(self) -> None:
        """Verify the chunk and make it visible."""
        if self._size != self._part.length:
            raise SizeMismatch("the chunk", self._part.length, self._size)
        for digest in self._expected:
            found = None if self._hasher is None else self._hasher.digest(digest.algorithm)
            if found != digest:
                raise DigestMismatch("the chunk", str(digest), str(found))
        self._file.flush()
        os.fsync(self._file.fileno())  # the client will not send it again
        self._file.close()
        self._draft.rename(self._target)

    def abort(self) -> None:
        """Discard the chunk; after `finish`, do nothing."""
        self._file.close()
        self._draft.unlink(missing_ok=True)


class ChunkStore:
    """The current uploads of one tenant; safe across threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Store them in `folder`."""
        self._folder = folder
        self._done = folder / "done"

    def create(self, about: UploadSpec) -> ChunkedUpload:
        """Begin an upload."""
        if len(self._ids()) >= MAX_OPEN:
            raise ContentConflict(
                f"{MAX_OPEN:,} uploads are already open: commit or delete some first"
            )
        upload_id = uuid.uuid4().hex
        folder = self._folder / upload_id
        folder.mkdir(parents=True)
        created = datetime.now(UTC)
        text = {
            "name": about.name,
            "size": about.size,
            "type": about.content_type,
            "properties": dict(about.properties),
            "digests": list(about.digests),
            "created": created.isoformat(),
        }
        draft = folder / "tmp-about"
        draft.write_text(json.dumps(text))
        draft.rename(folder / _ABOUT)
        return ChunkedUpload(upload_id, about, created, ())

    def get(self, upload_id: str) -> ChunkedUpload:
        """Return an upload; raise `NotRecorded` if there is none with this id."""
        folder = self._upload_folder(upload_id)
        try:
            text = json.loads((folder / _ABOUT).read_bytes())
            parts = sorted(_parts(folder), key=lambda one: one.start)
        except FileNotFoundError as error:
            raise NotRecorded("upload", upload_id) from error
        about = UploadSpec(
            text["name"], text["size"], text["type"], text["properties"], tuple(text["digests"])
        )
        created = datetime.fromisoformat(text["created"])
        return ChunkedUpload(upload_id, about, created, tuple(parts))

    def list_uploads(self) -> list[ChunkedUpload]:
        """Return all uploads, the oldest first."""
        found: list[ChunkedUpload] = []
        for one in self._ids():
            try:
                found.append(self.get(one))
            except NotRecorded:
                continue  # committed or deleted meanwhile, or killed while it was created
        return sorted(found, key=lambda one: one.created_at)

    @contextmanager
    def open_chunk(
        self, upload_id: str, part: ByteRange, expected: tuple[Digest, ...]
    ) -> Generator[ChunkWriter]:
        """Yield a writer for a chunk, which the block must `finish`."""
        with self._lock_upload(upload_id, fcntl.LOCK_SH):
            one = self.get(upload_id)
            if len(one.parts) >= MAX_CHUNKS and part.start not in {
                each.start for each in one.parts
            }:
                raise InvalidInput(
                    f"the upload already has {MAX_CHUNKS:,} chunks: send larger ones"
                )
            writer = ChunkWriter(self._upload_folder(upload_id), part, expected)
            try:
                yield writer
            finally:
                writer.abort()

    def record_commit(self, upload_id: str, facts: Mapping[str, object]) -> None:
        """Durably store what an upload is about to be committed as."""
        self._done.mkdir(parents=True, exist_ok=True)
        draft = self._done / f"tmp-{uuid.uuid4().hex}"
        with draft.open("x") as file:
            file.write(json.dumps(facts))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._done / f"{upload_id}.json")

    def recorded_commit(self, upload_id: str) -> dict[str, Any] | None:
        """Return what an upload was, or was about to be, committed as; None if not committed."""
        if not _ID.fullmatch(upload_id):
            return None
        try:
            found: dict[str, Any] = json.loads((self._done / f"{upload_id}.json").read_bytes())
        except FileNotFoundError:
            return None
        return found

    @contextmanager
    def take_complete(self, upload_id: str) -> Generator[ChunkedUpload]:
        """Yield a complete upload to store; it is removed if the block succeeds.

        Raises:
            ContentConflict: bytes are missing or overlap, or the upload is in use.
        """
        with self._lock_upload(upload_id, fcntl.LOCK_EX):
            one = self.get(upload_id)
            one.check_complete()
            yield one
            self._remove(upload_id)

    def blocks(self, upload: ChunkedUpload) -> Iterator[bytes]:
        """Yield the bytes of a complete upload in order."""
        folder = self._upload_folder(upload.upload_id)
        for part in upload.parts:
            with (folder / f"{part.start:020d}").open("rb") as file:
                while data := file.read(BLOCK):
                    yield data

    def delete(self, upload_id: str) -> None:
        """Delete an upload."""
        with self._lock_upload(upload_id, fcntl.LOCK_EX):
            self._remove(upload_id)

    def sweep(self, older_than_s: float = WEEK_S) -> int:
        """Remove uploads without new chunks for that long; return how many."""
        count = 0
        for note in self._done.glob("*"):
            if time.time() - note.stat().st_mtime > older_than_s:
                note.unlink(missing_ok=True)
        for upload_id in self._ids():
            try:
                age_s = time.time() - self._upload_folder(upload_id).stat().st_mtime
            except FileNotFoundError:
                continue
            if age_s < older_than_s:
                continue
            try:
                self.delete(upload_id)
            except ContentConflict:
                continue  # in use
            except NotRecorded:  # killed while it was created, or removed
                shutil.rmtree(self._upload_folder(upload_id), ignore_errors=True)
            count += 1
        return count

    def _ids(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(file.name for file in self._folder.iterdir() if _ID.fullmatch(file.name))

    def _upload_folder(self, upload_id: str) -> Path:
        if not _ID.fullmatch(upload_id):  # it becomes the name of a folder
            raise NotRecorded("upload", upload_id[:80])
        return self._folder / upload_id

    def _remove(self, upload_id: str) -> None:
        folder = self._upload_folder(upload_id)
        (folder / _ABOUT).unlink(missing_ok=True)  # this deletes the upload
        shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _lock_upload(self, upload_id: str, how: int) -> Generator[None]:
        file = self._upload_folder(upload_id) / _ABOUT
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotRecorded("upload", upload_id) from error
        try:
            _lock(descriptor, how, upload_id)
            yield
        finally:
            os.close(descriptor)


def _lock(descriptor: int, how: int, upload_id: str) -> None:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ContentConflict(f"the upload {upload_id!r} is in use") from error
    if not os.fstat(descriptor).st_nlink:  # removed between opening and locking
        raise NotRecorded("upload", upload_id)


def _parts(folder: Path) -> Iterator[ByteRange]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.isdigit():
                yield ByteRange(int(entry.name), int(entry.name) + entry.stat().st_size)
