"""Any fsspec filesystem as a storage; folders that cannot be listed are gaps.

Files are written to `.entrepot/tmp` and renamed; without renames they are collected locally first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem

from catalog.errors import (
    CatalogError,
    NameNotAllowed,
    NotSupported,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
    StorageFailed,
    UnexpectedReply,
)
from catalog.model.gap import Listed
from catalog.model.resource import Resource
from catalog.paths import RESERVED, check_path
from providers.base import Attributes, Fetched, Stored, Timeouts
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.fsspec.files import (
    FsspecReader,
    FsspecWriter,
    modified_us,
    strip_protocol,
    translate_fsspec_error,
)
from providers.fsspec.timeouts import TimeoutFilesystem
from providers.interfaces.history import HISTORY, KeepResult
from providers.shared.tree_walk import Folder, Found, walk

_ETAGS = ("etag", "ETag", "e_tag", "generation", "version_id")
Info = Mapping[str, Any]


class MissingRoot(StrEnum):
    """How to treat a missing root."""

    ERROR = "error"
    EMPTY = "empty"
    """Folders exist only if they contain files."""


def etag_of(info: Info) -> str | None:
    """Return a file's etag, under any of the usual names."""
    found = next((info[name] for name in _ETAGS if info.get(name)), None)
    return None if found is None else str(found)


@error_boundary
class FsspecStorage:
    """The files below `root` in a filesystem."""

    keeps_at_commit = False

    def __init__(
        self,
        filesystem: AbstractFileSystem,
        root: str,
        *,
        where: str,
        capabilities: Capabilities,
        etag: Callable[[Info], str | None] = etag_of,
        missing_root: MissingRoot = MissingRoot.ERROR,
        on_close: OnClose = keep_open,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Serve `filesystem` below `root`; `where` names it in messages."""
        self._fs: Any = TimeoutFilesystem(filesystem, timeouts or Timeouts())
        self._missing_root = missing_root
        self._on_close = on_close
        self._root = strip_protocol(filesystem, root)
        self._base = self._root.rstrip("/") + "/"
        self._where = where
        self._etag = etag
        self._capabilities = capabilities

    @property
    def capabilities(self) -> Capabilities:
        """Return the filesystem's capabilities."""
        return self._capabilities

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file, and a gap for a folder that cannot be listed."""
        with self._translate_errors(prefix):
            self._fs.invalidate_cache()
        if prefix:
            try:
                info = self._info(prefix)
            except ResourceNotFound:
                return
            if info.get("type") != "directory":
                yield self._describe(prefix, info)
                return
        yield from walk(Folder(prefix), self._list_folders, recursive=recursive)

    def leftovers(self) -> Iterator[Listed]:
        """Yield the temporary files that lie beside others."""
        return walk(Folder(""), self._list_folders, temporary=True)

    def _list_folders(self, folders: list[Folder]) -> Iterator[tuple[Folder, Iterator[Found]]]:
        return ((folder, self._list_folder(folder.path)) for folder in folders)

    def _list_folder(self, folder: str) -> Iterator[Found]:
        for path, info in self._children(folder):
            if info.get("type") == "directory":
                if path != folder:
                    yield Folder(path)
            elif info.get("type") == "file":
                yield self._describe(path, info)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file."""
        check_path(path)
        info = self._info(path)
        if info.get("type") == "directory":
            raise ResourceNotFound(f"{path!r} is a folder at {self._where}", path=path)
        return self._describe(path, info)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole."""
        resource = self._check_etag(path, etag)
        with self._translate_errors(path):
            data = bytes(self._fs.cat_file(self._full_path(path)))
        if resource.size is None:
            resource = replace(resource, size=len(data))
        elif len(data) != resource.size:
            raise SizeMismatch(path, resource.size, len(data))
        return Fetched(data, resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> FsspecReader:
        """Read from `start`, block by block, without the filesystem's read-ahead."""
        resource = self._check_etag(path, etag)
        with self._translate_errors(path):
            file = self._fs.open(self._full_path(path), "rb", cache_type="none")
            if start:
                file.seek(start)
        if length is None and resource.size is not None:
            length = max(0, resource.size - start)
        return FsspecReader(file, resource, length, self._translate_errors)

    def check_name(self, path: str) -> None:
        """Refuse names that this filesystem would change."""
        check_path(path)
        if strip_protocol(self._fs, self._full_path(path)) != self._full_path(path):
            raise NameNotAllowed(path, self._where, "the filesystem would change it")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:  # noqa: ARG002 - fsspec keeps none
        """Write a small file whole."""
        self.check_name(path)
        with self._write_target(path) as target, self._translate_errors(path):
            self._fs.pipe_file(target, data)
        return self._check_stored(path, len(data))

    def write(
        self,
        path: str,
        attributes: Attributes,  # noqa: ARG002 - fsspec keeps none
        *,
        size: int | None = None,  # noqa: ARG002 - no filesystem wants to know
    ) -> FsspecWriter:
        """Collect a file on the local disk, to be uploaded at commit."""
        self.check_name(path)
        return FsspecWriter(lambda source: self._send(path, source))

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Copy the file into the history, if the filesystem supports it."""
        origin, kept = self._full_path(current.path), f"{HISTORY}/{key}"
        try:
            with self._write_target(kept) as target, self._translate_errors(current.path):
                self._fs.cp_file(origin, target)
        except NotSupported:
            return KeepResult.UNABLE
        except ResourceNotFound:
            if self._fs.exists(origin):  # the error is about the history
                raise
            return KeepResult.GONE
        found = self._info(kept).get("size")
        if None not in (found, current.size) and found != current.size:
            raise SizeMismatch(current.path, current.size or 0, int(found or 0))
        return KeepResult.KEPT

    def remove(self, path: str) -> None:
        """Delete one file; do nothing if it does not exist or is a folder."""
        check_path(path)
        with suppress(ResourceNotFound):
            if self._info(path).get("type") == "directory":
                return
            with self._translate_errors(path):
                self._fs.rm_file(self._full_path(path))
                self._fs.invalidate_cache()
            self._info(path)  # after a redirect, any page counts as a successful deletion
            raise StorageFailed(f"{path!r} still exists after its deletion", path=path)

    def close(self) -> None:
        """Release the filesystem."""
        self._on_close()

    def _send(self, path: str, source: str) -> Stored:
        with self._write_target(path) as target, self._translate_errors(path):
            self._fs.put_file(source, target)
        return self._check_stored(path, Path(source).stat().st_size)

    @contextmanager
    def _write_target(self, path: str) -> Generator[str]:
        """Yield the name to write to, then rename it to the final name if they differ."""
        final = self._full_path(path)
        target = final
        with self._translate_errors(path):
            self._fs.makedirs(final.rpartition("/")[0], exist_ok=True)
            if self._capabilities.atomic_rename:
                folder = f"{self._base}{RESERVED}/tmp"  # noqa: S108 - below our own root
                self._fs.makedirs(folder, exist_ok=True)
                target = f"{folder}/{uuid4().hex}"
        try:
            yield target
            if target != final:
                with self._translate_errors(path):
                    self._fs.mv(target, final)
        except BaseException:
            if target != final:
                with suppress(StorageError), self._translate_errors(path):
                    self._fs.rm_file(target)
            raise

    def _check_stored(self, path: str, size: int) -> Stored:
        with self._translate_errors(path):
            self._fs.invalidate_cache()
        resource = self.stat(path)
        if resource.size is not None and resource.size != size:
            self.remove(path)
            raise SizeMismatch(path, size, resource.size)
        return Stored(size, etag=resource.etag, modified_us=resource.modified_us)

    def _check_etag(self, path: str, etag: str | None) -> Resource:
        if (resource := self.stat(path)).etag != etag and etag is not None:
            raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        return resource

    def _full_path(self, path: str) -> str:
        return self._base + path

    def _info(self, path: str) -> Info:
        with self._translate_errors(path):
            info: Info = self._fs.info(self._full_path(path))
        return info

    def _children(self, folder: str) -> Iterator[tuple[str, Info]]:
        place = self._full_path(folder) if folder else self._root
        try:
            with self._translate_errors(folder):
                entries: list[Info] = self._fs.ls(place, detail=True)
        except ResourceNotFound:
            if not folder and self._missing_root is MissingRoot.EMPTY:
                return
            raise
        for info in entries:
            name = strip_protocol(self._fs, str(info["name"]))
            if not name.startswith(self._base):
                raise UnexpectedReply(f"{self._where} lists {name!r}, which is outside of it")
            path = name[len(self._base) :]
            if path and path != RESERVED:
                yield path, info

    def _describe(self, path: str, info: Info) -> Resource:
        kind = info.get("content_type") or info.get("contentType")
        size = info.get("size")
        return Resource(
            path,
            size=None if size is None else int(size),
            etag=self._etag(info),
            modified_us=modified_us(info),
            content_type=None if kind is None else str(kind),
        )

    @contextmanager
    def _translate_errors(self, path: str) -> Generator[None]:  # they may raise any exception
        try:
            yield
        except CatalogError:
            raise
        except Exception as error:
            raise translate_fsspec_error(error, path, self._where) from error
