"""The files of an archive: written one after the other at an exact size, read in place as one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from catalog.errors import InvalidInput, StorageError
from catalog.formats.archive import Chunk
from providers.shared.os_errors import translate_os_error

MOST = 10_000  # chunks: four digits


class ChunkWriter:
    """Bytes on their way into `<name>.tar`, or `<name>.tar.0000`, `.0001` … of `chunk_size` bytes.

    Every file lies in a draft, under the name that it is to get.
    """

    def __init__(self, folder: Path, name: str, chunk_size: int | None, draft: Path) -> None:
        """Write into `folder`, where nothing of that name may stand, by way of `draft` on its disk.

        What a killed writer leaves lies there alone, and goes with it.
        """
        self._folder, self._name, self._size = folder, f"{name}.tar", chunk_size
        self._draft = draft
        taken = sorted(
            one.name
            for one in folder.iterdir()
            if one.name == self._name or one.name.startswith(f"{self._name}.")
        )
        if taken:
            raise InvalidInput(f"{taken[0]!r} stands in {str(folder)!r} already")
        self._chunks: list[Chunk] = []
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._written = 0  # bytes of the chunk

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        try:
            while view:
                if self._file is None:
                    self._begin()
                room = len(view) if self._size is None else self._size - self._written
                part, view = view[:room], view[room:]
                if self._file is not None:
                    self._file.write(part)
                self._hash.update(part)
                self._written += len(part)
                if self._written == self._size:
                    self._end()
        except OSError as error:
            raise translate_os_error(error, str(self._folder / self._name)) from error

    def finish(self) -> tuple[Chunk, ...]:
        """End the last file and return what they all are."""
        self._end()
        return tuple(self._chunks)

    def close(self) -> None:
        """Write no further; may be called after any failure, and after `finish`."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        if len(self._chunks) >= MOST:
            raise InvalidInput(f"more than {MOST} chunks of {self._size} bytes: choose larger ones")
        self._file = (self._draft / self._chunk_name()).open("xb")

    def _end(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        self._chunks.append(Chunk(self._chunk_name(), self._written, self._hash.hexdigest()))
        self._hash, self._written = hashlib.sha256(), 0

    def _chunk_name(self) -> str:
        return self._name if self._size is None else f"{self._name}.{len(self._chunks):04d}"


class ChunkReader:
    """The bytes of several files as one stream, each file hashed as it passes."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Read `files` one after the other."""
        self._files = list(files)
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.digests: list[str] = []  # sha256 in hex of each file that was read to its end

    def read(self, count: int) -> bytes:
        """Return `count` bytes, fewer only at the end."""
        parts: list[bytes] = []
        while count:
            part = self._some(count)
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def drain(self) -> None:
        """Read all that is left, for the digests."""
        while self._some(2**20):
            pass

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()

    def _some(self, count: int) -> bytes:
        """Return some bytes, none only at the end."""
        while True:
            try:
                if self._file is None:
                    if len(self.digests) == len(self._files):
                        return b""
                    self._file = self._files[len(self.digests)].open("rb")
                part = self._file.read(count)
            except OSError as error:
                if isinstance(error, StorageError):
                    raise
                raise translate_os_error(error, str(self._files[len(self.digests)])) from error
            if part:
                self._hash.update(part)
                return part
            self._file.close()
            self._file = None
            self.digests.append(self._hash.hexdigest())
            self._hash = hashlib.sha256()
