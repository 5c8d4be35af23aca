"""Open local files: readings that check for changes, and writers to temporary names."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from catalog.errors import (
    ResourceChanged,
    StorageError,
    StorageFailed,
    UnsafePath,
)
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from catalog.store.fsync import fsync_path
from providers.base import Attributes, Chunk, Stored
from providers.error_boundary import error_boundary
from providers.shared.os_errors import translate_os_error

CHUNK = 2**20  # bytes
MAX_UNKNOWN_SIZE = 2**26  # bytes; a longer file that reports size 0 is an endless device


@error_boundary
class LocalReader:
    """An open file, read in chunks into one reused buffer."""

    def __init__(self, descriptor: int, resource: Resource, left: int) -> None:
        """Own `descriptor` and read at most `left` bytes from its current offset.

        A file that reports no size (`/proc`) is read to its end, up to a limit.
        """
        self.resource = resource
        self._descriptor: int | None = descriptor
        self._size_unknown = not resource.size and left > 0
        self._left = left

    def __iter__(self) -> Iterator[Chunk]:
        """Yield chunks, then check that the file has not changed since it was opened."""
        buffer = memoryview(
            bytearray(max(1, min(2**16 if self._size_unknown else CHUNK, self._left)))
        )
        try:
            while self._left > 0 and self._descriptor is not None:
                count = os.readv(self._descriptor, [buffer[: min(len(buffer), self._left)]])
                if count == 0:
                    break
                self._left -= count
                yield buffer[:count]
            if self._size_unknown and not self._left:
                path = self.resource.path
                raise StorageError(
                    f"{path!r} reports size 0 but has over {MAX_UNKNOWN_SIZE:,} bytes", path=path
                )
            if self._descriptor is not None and not self._size_unknown:
                now = describe(self.resource.path, os.fstat(self._descriptor))
                if now.size != self.resource.size or now.modified_us != self.resource.modified_us:
                    raise ResourceChanged(
                        f"{now.path!r} changed while it was read", path=self.resource.path
                    )
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise translate_os_error(error, self.resource.path) from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@error_boundary
class LocalFile:
    """An open file that can be read at any offset."""

    __slots__ = ("_descriptor", "resource")

    def __init__(self, descriptor: int, resource: Resource) -> None:
        """Own `descriptor`."""
        self.resource = resource
        self._descriptor: int | None = descriptor

    def read_at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`; raise if the file was truncated."""
        if self._descriptor is None:
            raise StorageFailed(f"{self.resource.path!r}: read after it was closed")
        try:
            data = os.pread(self._descriptor, count, offset)
        except OSError as error:
            raise translate_os_error(error, self.resource.path) from error
        if len(data) < min(count, (self.resource.size or 0) - offset):
            path = self.resource.path
            raise ResourceChanged(f"{path!r} was truncated while it was read", path=path)
        return data

    def close(self) -> None:
        """Close the file; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@error_boundary
class LocalWriter:
    """Writes a file under a temporary name."""

    def __init__(
        self,
        path: str,
        descriptor: int,
        temporary: str,
        final: str,
        attributes: Attributes,
        fsync: bool,  # noqa: FBT001 - private to this module
    ) -> None:
        """Own `descriptor`, an open file at `temporary`."""
        self._path = path
        self._descriptor: int | None = descriptor
        self._temporary: str | None = temporary
        self._final = final
        self._attributes = attributes
        self._fsync = fsync
        self._size = 0

    def write(self, chunk: Chunk) -> None:
        """Write all of `chunk`."""
        if self._descriptor is None:
            raise StorageFailed(f"{self._path!r}: written after it was closed", path=self._path)
        view = memoryview(chunk)
        try:
            while view:
                count = os.write(self._descriptor, view)
                self._size += count
                view = view[count:]
        except OSError as error:
            raise translate_os_error(error, self._path) from error

    def link_as(self, name: str) -> Path | None:
        """Hard-link the temporary file to a second name next to it; None if that fails."""
        if self._temporary is None:
            return None
        second = Path(self._temporary).with_name(name)
        try:
            second.unlink(missing_ok=True)
            os.link(self._temporary, second)
        except OSError:
            return None
        return second

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the folder cannot check it
        """Rename the file to its final name."""
        return self.finish()

    def finish(self) -> Stored:
        """Rename the file to its final name."""
        if self._descriptor is None or self._temporary is None:
            raise StorageFailed(f"{self._path!r}: committed after it was closed", path=self._path)
        descriptor, temporary = self._descriptor, self._temporary
        try:
            _set_attributes(descriptor, self._attributes)
            if self._fsync:
                os.fsync(descriptor)
            modified_us = os.fstat(descriptor).st_mtime_ns // 1000
            self._descriptor = None
            os.close(descriptor)
            rename_into_place(temporary, self._final)
            self._temporary = None
            if self._fsync:
                fsync_path(os.path.dirname(self._final))
        except OSError as error:
            self.abort()
            raise translate_os_error(error, self._path) from error
        return Stored(self._size, modified_us=modified_us)

    def abort(self) -> None:
        """Remove the temporary file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _set_attributes(descriptor: int, attributes: Attributes) -> None:
    """Set time and mode if the file system allows it; failures are ignored."""
    if attributes.modified_us is not None:
        nanoseconds = attributes.modified_us * 1000
        with suppress(OSError, OverflowError):
            os.utime(descriptor, ns=(nanoseconds, nanoseconds))
    if attributes.mode is not None:
        with suppress(OSError):
            os.fchmod(descriptor, attributes.mode)


def check_resolved(root: str, full: str, path: str) -> None:
    """Refuse a full path that leads out of the root, symbolic links resolved."""
    real, top = os.path.realpath(full), os.path.realpath(root)
    if real != top and not real.startswith(top.rstrip("/") + "/"):
        raise UnsafePath(path, "a symbolic link in it leads out of the repository's root")


def rename_into_place(temporary: str, final: str) -> None:
    """Rename a file to its final name, replacing empty folders of that name."""
    try:
        os.replace(temporary, final)
    except FileNotFoundError:  # another thread removed the emptied folder meanwhile
        os.makedirs(os.path.dirname(final), exist_ok=True)
        os.replace(temporary, final)
    except IsADirectoryError:
        remove_empty(final)
        os.replace(temporary, final)


def remove_empty(folder: str) -> None:
    """Remove the empty folders at and below a folder."""
    for inner, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            os.rmdir(inner)


def describe(path: str, info: os.stat_result) -> Resource:
    """Return a file's metadata; the etag has ctime to detect edits that keep size and mtime."""
    return Resource(
        path,
        size=info.st_size,
        etag=f"{info.st_mtime_ns:x}-{info.st_ctime_ns:x}-{info.st_size:x}",
        modified_us=info.st_mtime_ns // 1000,
        content_type=mimetypes.guess_type(path)[0],
        mode=info.st_mode & 0o777,
    )
