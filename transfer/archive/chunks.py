"""The chunks of an archive: files of an exact size that are written and read as one stream."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from catalog.errors import InvalidInput, StorageError
from catalog.formats.archive import Chunk
from providers.shared.os_errors import translate_os_error

MAX_CHUNKS = 10_000  # four digits


class ChunkWriter:
    """Writes `<name>.tar`, or `<name>.tar.0000`, `.0001` … of `chunk_size` bytes each.

    Every file is written into a draft folder, under its final name.
    """

    def __init__(self, folder: Path, name: str, chunk_size: int | None, draft: Path) -> None:
        """Write for `folder`, where no such file may exist, into the folder `draft` on its disk.

        So a killed writer leaves files in its draft only.
        """
        self._folder, self._name, self._size = folder, f"{name}.tar", chunk_size
        self._draft = draft
        taken = sorted(
            file.name
            for file in folder.iterdir()
            if file.name == self._name or file.name.startswith(f"{self._name}.")
        )
        if taken:
            raise InvalidInput(f"{taken[0]!r} exists in {str(folder)!r} already: use another name")
        self._chunks: list[Chunk] = []
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._written = 0  # bytes of the current chunk

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes."""
        view = memoryview(data)
        try:
            while view:
                if self._file is None:
                    self._open_chunk()
                room = len(view) if self._size is None else self._size - self._written
                part, view = view[:room], view[room:]
                if self._file is not None:
                    self._file.write(part)
                self._hash.update(part)
                self._written += len(part)
                if self._written == self._size:
                    self._close_chunk()
        except OSError as error:
            raise translate_os_error(error, str(self._folder / self._name)) from error

    def finish(self) -> tuple[Chunk, ...]:
        """Close the last file and return all chunks."""
        self._close_chunk()
        return tuple(self._chunks)

    def close(self) -> None:
        """Close the current file; may be called after a failure and after `finish`."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_chunk(self) -> None:
        if len(self._chunks) >= MAX_CHUNKS:
            raise InvalidInput(
                f"the archive needs more than {MAX_CHUNKS:,} chunks of {self._size or 0:,} bytes: "
                "choose a larger chunk size"
            )
        self._file = (self._draft / self._chunk_name()).open("xb")

    def _close_chunk(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        self._chunks.append(Chunk(self._chunk_name(), self._written, self._hash.hexdigest()))
        self._hash, self._written = hashlib.sha256(), 0

    def _chunk_name(self) -> str:
        return self._name if self._size is None else f"{self._name}.{len(self._chunks):04d}"


class ChunkReader:
    """Reads several files as one stream, and hashes each."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Read `files` one after the other."""
        self._files = list(files)
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.digests: list[str] = []  # sha256 (hex) of each file that was read to its end

    def read(self, count: int) -> bytes:
        """Return `count` bytes, fewer only at the end."""
        parts: list[bytes] = []
        while count:
            part = self._read_some(count)
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def drain(self) -> None:
        """Read the rest, for the digests."""
        while self._read_some(2**20):
            pass

    def close(self) -> None:
        """Close the open file."""
        if self._file is not None:
            self._file.close()

    def _read_some(self, count: int) -> bytes:
        """Return some bytes; none only at the end."""
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
