"""Buffers for files being fetched: a file, or memory for files that are not stored."""

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


class FetchBuffer(Protocol):
    """A growing buffer that can be read meanwhile; `path` is its file, if it has one."""

    path: Path | None

    def append(self, data: bytes) -> None:
        """Append the next bytes."""
        ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Return bytes that were appended already."""
        ...

    def reset(self) -> None:
        """Discard all bytes, to start again."""
        ...

    def close(self) -> None:
        """Discard it; safe to call twice."""
        ...


class MemoryBuffer:
    """A small file in memory."""

    path: Path | None = None

    def __init__(self) -> None:
        """Start empty."""
        self._data = bytearray()

    def append(self, data: bytes) -> None:
        """Append the next bytes."""
        self._data += data

    def read_at(self, offset: int, count: int) -> bytes:
        """Return bytes that were appended already."""
        return bytes(self._data[offset : offset + count])

    def reset(self) -> None:
        """Discard all bytes."""
        self._data = bytearray()

    def close(self) -> None:
        """Discard it."""
        self.reset()


class FileBuffer:
    """A file in the spool folder; locked, so that only files of dead processes are removed."""

    def __init__(self, folder: Path) -> None:
        """Create an empty file."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{os.getpid()}-{next(_serial)}.part"
        self.path: Path | None = self._file
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor: int | None = os.open(self._file, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._size = 0

    def append(self, data: bytes) -> None:
        """Append the next bytes; a full disk is an error."""
        view = memoryview(data)
        try:
            while view:
                count = os.pwrite(self._open(), view, self._size)
                self._size += count
                view = view[count:]
        except OSError as error:
            raise translate_os_error(error, self._file.name) from error

    def read_at(self, offset: int, count: int) -> bytes:
        """Return bytes that were appended already."""
        try:
            return os.pread(self._open(), count, offset)
        except OSError as error:
            raise translate_os_error(error, self._file.name) from error

    def reset(self) -> None:
        """Discard all bytes."""
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
            raise StorageError(f"the spool file {self._file.name!r} was already closed")
        return self._descriptor


def sweep(folder: Path) -> int:
    """Remove the files of dead processes; return how many."""
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
