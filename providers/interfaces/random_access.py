"""Files that are opened once and read at any place, as whoever serves them to many wants it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from catalog.errors import NotSupported
from catalog.model.resource import Resource
from providers.base import Storage


class OpenFile(Protocol):
    """A file that stays what it was when it was opened, whoever replaces or removes its name."""

    @property
    def resource(self) -> Resource:
        """Describe the file as it was opened."""
        ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`; fewer only at the end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@runtime_checkable
class FileOpener(Protocol):
    """A storage that can open files for reading at any place (`capabilities.random_access`)."""

    def open_file(self, path: str, *, etag: str | None = None) -> OpenFile:
        """Open a file; `ResourceChanged` when `etag` is given and another stands."""
        ...


def open_file(storage: Storage, path: str, etag: str | None = None) -> OpenFile:
    """Open a file of a storage that a layout wraps."""
    if not isinstance(storage, FileOpener):
        raise NotSupported(f"{path!r} cannot be opened for reading at any place", path=path)
    return storage.open_file(path, etag=etag)
