"""Files that are opened once and read at any offset, for serving one file to many clients."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from catalog.errors import NotSupported
from catalog.model.resource import Resource
from providers.base import Storage


class OpenFile(Protocol):
    """An open file that is unaffected when its name is replaced or removed."""

    @property
    def resource(self) -> Resource:
        """Return the file's metadata from when it was opened."""
        ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`; fewer only at the end."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


@runtime_checkable
class FileOpener(Protocol):
    """A storage that can open files for random access (`capabilities.random_access`)."""

    def open_file(self, path: str, *, etag: str | None = None) -> OpenFile:
        """Open a file; raise `ResourceChanged` if it no longer has the given etag."""
        ...


def open_file(storage: Storage, path: str, etag: str | None = None) -> OpenFile:
    """Open a file for random access; raise `NotSupported` if the storage cannot."""
    if not isinstance(storage, FileOpener):
        raise NotSupported(f"{path!r}: this storage does not support random access", path=path)
    return storage.open_file(path, etag=etag)
