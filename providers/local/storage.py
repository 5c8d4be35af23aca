"""A local folder as a storage."""

from __future__ import annotations

import itertools
import os
import stat as stats
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from catalog.errors import (
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    StorageFull,
)
from catalog.model.gap import Listed
from catalog.model.resource import Resource
from catalog.paths import RESERVED, check_path
from providers.base import Attributes, Fetched, Source, Stored
from providers.capabilities import Capabilities
from providers.error_boundary import error_boundary
from providers.interfaces.history import HISTORY, KeepResult
from providers.local.files import (
    CHUNK,
    MAX_UNKNOWN_SIZE,
    LocalFile,
    LocalReader,
    LocalWriter,
    check_resolved,
    describe,
    rename_into_place,
)
from providers.local.history import keep_local
from providers.local.listing import LocalLister, Symlinks
from providers.shared.os_errors import translate_os_error
from providers.shared.raw_names import to_raw
from providers.shared.tree_walk import walk

MAX_NAME = 255  # bytes, NAME_MAX of every common Linux file system
MAX_PATH = 4095  # bytes, PATH_MAX without the terminating null

_serial = itertools.count()


class Placement(StrEnum):
    """How to store a file from another local repository."""

    COPY = "copy"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"


@error_boundary
class LocalStorage:
    """A folder as a storage; files are written to `.entrepot/tmp` and renamed."""

    keeps_at_commit = True  # before, the history would share a file that others may still edit

    def __init__(
        self,
        root: str,
        placement: Placement = Placement.COPY,
        symlinks: Symlinks = Symlinks.INSIDE,
        *,
        fsync: bool = False,
    ) -> None:
        """Serve the folder `root`, an absolute path."""
        self._placement = placement
        self._symlinks = symlinks
        self._fsync = fsync
        links = placement is not Placement.COPY
        can = Capabilities(pinned_reads=True, atomic_rename=True, raw_names=True)
        self.capabilities = replace(can, copy=links, links=links, random_access=True)
        self.root = root
        self._lister = LocalLister(root, symlinks)
        self._temp = f"{self.root}/{RESERVED}/tmp"  # noqa: S108 - inside the root
        self._checked: set[str] = set()  # existing folders known to be inside the root
        self._seen: set[str] = set()  # folders known to be inside the root, that may be gone
        self._lock = threading.Lock()

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every regular file, and a gap for what cannot be listed."""
        start = f"{self.root}/{to_raw(prefix)}" if prefix else self.root
        try:
            info = os.stat(start)
        except (FileNotFoundError, NotADirectoryError):
            if not prefix:
                raise ResourceNotFound(f"the folder {self.root!r} does not exist") from None
            return
        except OSError as error:
            raise translate_os_error(error, prefix) from error
        if not stats.S_ISDIR(info.st_mode):
            yield describe(prefix, info)
            return
        yield from walk(self._lister.folder(prefix), self._lister, recursive=recursive)

    def leftovers(self) -> Iterator[Listed]:
        """Yield the temporary files that lie beside others: a mounted drop folder has some."""
        return walk(self._lister.folder(""), self._lister, temporary=True)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file."""
        try:
            info = os.stat(self._locate_existing(path))
        except OSError as error:
            raise translate_os_error(error, path) from error
        if stats.S_ISDIR(info.st_mode):
            raise ResourceNotFound(f"{path!r} is a folder in {self.root!r}", path=path)
        return describe(path, info)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole and check that it did not change meanwhile."""
        reader = self.read(path, etag=etag)
        try:
            data = b"".join(bytes(chunk) for chunk in reader)
        finally:
            reader.close()
        return Fetched(data, reader.resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> LocalReader:
        """Read from `start`; a file that changes meanwhile is an error at the end."""
        descriptor, resource = self._open(path, etag)
        if start:
            os.lseek(descriptor, start, os.SEEK_SET)
        if length is None:
            length = resource.size - start if resource.size else MAX_UNKNOWN_SIZE
        return LocalReader(descriptor, resource, length)

    def open_file(self, path: str, *, etag: str | None = None) -> LocalFile:
        """Open a file for random access; replacing its name does not affect it."""
        return LocalFile(*self._open(path, etag))

    def _open(self, path: str, etag: str | None) -> tuple[int, Resource]:
        try:
            descriptor = os.open(
                self._locate_existing(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
            )
        except OSError as error:
            raise translate_os_error(error, path) from error
        try:
            info = os.fstat(descriptor)
            if not stats.S_ISREG(info.st_mode):
                raise ResourceNotFound(f"{path!r} is not a file in {self.root!r}", path=path)
            resource = describe(path, info)
            if etag is not None and resource.etag != etag:
                raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, resource

    def check_name(self, path: str) -> None:
        """Refuse names that Linux file systems do not support."""
        check_path(path)
        encoded = os.fsencode(to_raw(path))
        if len(encoded) > MAX_NAME:
            if any(len(part) > MAX_NAME for part in encoded.split(b"/")):
                raise NameNotAllowed(path, "a local folder", "a segment is longer than 255 bytes")
            if len(encoded) + len(self.root.encode()) >= MAX_PATH:
                raise NameNotAllowed(
                    path, "a local folder", "with its folder it is longer than 4,095 bytes"
                )

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file: temporary name, rename."""
        writer = self.write(path, attributes, size=len(data))
        try:
            writer.write(data)
            return writer.finish()
        except BaseException:
            writer.abort()
            raise

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> LocalWriter:
        """Start writing to a temporary file, if the disk has space for its `size`."""
        self.check_name(path)
        final = self._prepare_target(path)
        temporary = f"{self._temp}/{os.getpid()}-{next(_serial)}-{threading.get_ident():x}"
        try:
            descriptor = self._create_temporary(temporary)
        except OSError as error:
            raise translate_os_error(error, path) from error
        writer = LocalWriter(path, descriptor, temporary, final, attributes, self._fsync)
        if size is not None and size > CHUNK:
            room = os.fstatvfs(descriptor)
            if room.f_bavail * room.f_frsize < size:  # checked, not reserved, which costs a write
                writer.abort()
                raise StorageFull(
                    f"{path!r} needs {size:,} bytes, but the disk of {self.root!r} has only "
                    f"{room.f_bavail * room.f_frsize:,} bytes free",
                    path=path,
                )
        return writer

    def _create_temporary(self, temporary: str) -> int:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        try:
            return os.open(temporary, flags, 0o666)
        except FileNotFoundError:
            os.makedirs(self._temp, exist_ok=True)
            return os.open(temporary, flags, 0o666)

    def copies_from(self, origin: object) -> bool:
        """Return whether files of `origin` are linked instead of copied."""
        return self._placement is not Placement.COPY and isinstance(origin, LocalStorage)

    def copy_from(
        self, origin: Source, origin_path: str, path: str, *, etag: str | None
    ) -> Stored | None:
        """Link to a file of another folder, if this folder's placement is a link."""
        if not self.copies_from(origin) or not isinstance(origin, LocalStorage):
            return None
        self.check_name(path)
        resource = origin.stat(origin_path)
        if etag is not None and resource.etag != etag:
            raise ResourceChanged(f"{origin_path!r} changed since it was planned", path=path)
        target = os.path.realpath(f"{origin.root}/{to_raw(origin_path)}")
        final = self._prepare_target(path)
        temporary = f"{self._temp}/{os.getpid()}-{next(_serial)}-link"
        link: Callable[[str, str], None] = (
            os.symlink if self._placement is Placement.SYMLINK else os.link
        )
        try:
            os.makedirs(self._temp, exist_ok=True)
            link(target, temporary)
            rename_into_place(temporary, final)
            # Renaming one hard link over another of the same file does nothing and leaves both.
            Path(temporary).unlink(missing_ok=True)
            info = os.stat(final)
        except OSError as error:
            raise translate_os_error(error, path) from error
        return Stored(info.st_size, modified_us=info.st_mtime_ns // 1000)

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Hard-link or copy the file into the history."""
        path = current.path
        temporary = f"{self._temp}/{os.getpid()}-{next(_serial)}-keep"
        try:
            full = self._locate_existing(path, follow=False)
            return keep_local(full, f"{self.root}/{HISTORY}/{key}", temporary)
        except OSError as error:
            raise translate_os_error(error, path) from error

    def remove(self, path: str) -> None:
        """Delete a file, and the folders that become empty."""
        try:
            os.unlink(target := self._locate_existing(path, follow=False))
        except FileNotFoundError:
            return
        except OSError as error:
            raise translate_os_error(error, path) from error
        folder = os.path.dirname(target)
        while folder.startswith(self.root + "/"):
            try:
                os.rmdir(folder)
            except OSError:
                return  # not empty
            with self._lock:
                self._checked.discard(folder)
            folder = os.path.dirname(folder)

    def close(self) -> None:
        """Do nothing: nothing is open between calls."""

    def _locate_existing(self, path: str, *, follow: bool = True) -> str:
        """Return the full path of `path`, checking that no link on it leads out of the root."""
        check_path(path)
        full = f"{self.root}/{to_raw(path)}"
        if self._symlinks is not Symlinks.FOLLOW:
            self._check_inside(os.path.dirname(full), path)
            if follow and os.path.islink(full):
                check_resolved(self.root, full, path)
        return full

    def _prepare_target(self, path: str) -> str:
        """Return the full path to write `path` to, creating its folders inside the root."""
        full = f"{self.root}/{to_raw(path)}"
        folder = os.path.dirname(full)
        if folder not in self._checked:
            self._check_inside(folder, path)
            try:
                os.makedirs(folder, exist_ok=True)
            except OSError as error:
                raise translate_os_error(error, path) from error
            with self._lock:
                self._checked.add(folder)
        return full

    def _check_inside(self, folder: str, path: str) -> None:
        """Refuse a folder outside the root, symbolic links resolved."""
        if folder not in self._checked and folder not in self._seen:
            check_resolved(self.root, folder, path)
            self._seen.add(folder)
