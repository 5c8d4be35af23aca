"""Where bytes wait that are being fetched: a file, or memory for what is never kept."""

from __future__ import annotations

import fcntl
import itertools
import os
from pathlib import Path
from typing import Protocol

from catalog.errors import StorageError
from gateway.resource_store.file_locks import lock_file
from providers.shared.os_errors import translate_os_error

_serial = itertools.count()


class Spool(Protocol):
    """Bytes that grow at their end while others read them; `path` is of those in a file."""

    path: Path | None

    def append(self, data: bytes) -> None:
        """Take the next bytes."""
        ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Return bytes that are there already."""
        ...

    def reset(self) -> None:
        """Forget all bytes, to begin anew."""
        ...

    def close(self) -> None:
        """Let go of them; may be called twice."""
        ...


class MemorySpool:
    """A small file that no disk ever sees."""

    path: Path | None = None

    def __init__(self) -> None:
        """Begin empty."""
        self._data = bytearray()

    def append(self, data: bytes) -> None:
        """Take the next bytes."""
        self._data += data

    def read_at(self, offset: int, count: int) -> bytes:
        """Return bytes that are there already."""
        return bytes(self._data[offset : offset + count])

    def reset(self) -> None:
        """Forget all bytes."""
        self._data = bytearray()

    def close(self) -> None:
        """Let go of them."""
        self.reset()


class FileSpool:
    """A file in a folder of such; locked, so that only what a dead process left is swept."""

    def __init__(self, folder: Path) -> None:
        """Make an empty one."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{os.getpid()}-{next(_serial)}.part"
        self.path: Path | None = self._file
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor: int | None = os.open(self._file, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._size = 0

    def append(self, data: bytes) -> None:
        """Take the next bytes; a full disk is an error."""
        view = memoryview(data)
        try:
            while view:
                count = os.pwrite(self._open(), view, self._size)
                self._size += count
                view = view[count:]
        except OSError as error:
            raise translate_os_error(error, self._file.name) from error

    def read_at(self, offset: int, count: int) -> bytes:
        """Return bytes that are there already."""
        try:
            return os.pread(self._open(), count, offset)
        except OSError as error:
            raise translate_os_error(error, self._file.name) from error

    def reset(self) -> None:
        """Forget all bytes."""
        os.ftruncate(self._open(), 0)
        self._size = 0

    def close(self) -> None:
        """Remove the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self._file.unlink(missing_ok=True)
            os.close(descriptor)

    def _open(self) -> int:
        if self._descriptor is None:
            raise StorageError(f"{self._file.name!r} was let go of")
        return self._descriptor


def sweep(folder: Path) -> int:
    """Remove what processes that died have left; return how many files that were."""
    gone = 0
    for file in sorted(folder.glob("*.part")) if folder.is_dir() else ():
        descriptor = lock_file(file, os.O_RDWR)
        if descriptor is None:
            continue
        try:
            file.unlink(missing_ok=True)
            gone += 1
        finally:
            os.close(descriptor)
    return gone
