"""A folder of an FTP server as a storage: MLSD lists, REST resumes, RNTO commits."""

from __future__ import annotations

import ftplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

from catalog.errors import (
    AccessDenied,
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
)
from catalog.model.gap import Listed
from catalog.model.resource import Resource
from catalog.paths import RESERVED, check_path
from providers.base import Attributes, Fetched, Stored
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.ftp.connection import FtpClient, FtpConnections
from providers.ftp.errors import translate_ftp_error
from providers.ftp.files import FtpReader, FtpWriter
from providers.ftp.listing import FtpLister
from providers.interfaces.history import HISTORY, KeepResult
from providers.shared.raw_names import to_raw
from providers.shared.temporary_names import temporary_path_for
from providers.shared.tree_walk import Folder, walk

_TEMP = f"{RESERVED}/tmp"  # noqa: S108 - below the root


@error_boundary
class FtpStorage:
    """The files below one folder of a server."""

    keeps_at_commit = True  # keeping moves the file away
    capabilities = Capabilities(atomic_rename=True, long_round_trip=True, raw_names=True)

    def __init__(
        self, connections: FtpConnections, root: str, where: str, on_close: OnClose = keep_open
    ) -> None:
        """Serve `root`, without slashes at either end."""
        self.connections = connections
        self._lister = FtpLister(connections, f"/{root}/" if root else "/", where)
        self._where = where
        self._on_close = on_close
        self._folders: set[str] = {""} if not root else set()  # known to exist
        self._lock = threading.Lock()
        self._drop_folder = False  # only new files are allowed, so temporary ones are next to them

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file, including links to files; links to folders are not followed."""
        if prefix:
            with suppress(ResourceNotFound):
                yield self.stat(prefix)
                return
        yield from walk(Folder(prefix), self._lister, recursive=recursive)

    def leftovers(self) -> Iterator[Listed]:
        """Yield the temporary files that lie beside others."""
        return walk(Folder(""), self._lister, temporary=True)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file."""
        check_path(path)
        with self.connections.client(path) as client:
            return self._lister.describe(client, path)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole."""
        reader = self.read(path, etag=etag)
        try:
            data = b"".join(bytes(chunk) for chunk in reader)
        finally:
            reader.close()
        return Fetched(data, reader.resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> FtpReader:
        """Read from `start` on a connection of its own."""
        check_path(path)
        with self.connections.take_over(path) as client:
            resource = self._lister.describe(client, path)
            if etag is not None and resource.etag != etag:
                raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
            data = client.ftp.transfercmd(f"RETR {self._lister.server_path(path)}", start or None)
        return FtpReader(self.connections, client, data, resource, start, length)

    def check_name(self, path: str) -> None:
        """Refuse line breaks, which end an FTP command, and segments longer than 255 bytes."""
        check_path(path)
        if "\n" in path or "\r" in path:
            raise NameNotAllowed(path, self._where, "it contains a line break")
        if any(
            len(part.encode(errors="surrogateescape")) > 255 for part in to_raw(path).split("/")
        ):
            raise NameNotAllowed(path, self._where, "a segment is longer than 255 bytes")
        if any(part != part.strip(" ") for part in path.split("/")):
            raise NameNotAllowed(
                path, self._where, "FTP servers strip spaces from the ends of names"
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

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> FtpWriter:  # noqa: ARG002 - no server asks
        """Start writing to a temporary file, on a connection of its own."""
        self.check_name(path)
        return FtpWriter(self, path, self.temporary_path(path), attributes)

    def temporary_path(self, path: str) -> str:
        """Return a new temporary name for a path."""
        return temporary_path_for(path) if self._drop_folder else f"{_TEMP}/{uuid4().hex}"

    def switch_to_drop_folder(self, temporary: str) -> bool:
        """Stop using our temporary folder; return whether the refused name was in it."""
        ours = temporary.startswith(_TEMP)
        self._drop_folder = self._drop_folder or ours
        return ours

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Move the file into the history, unless it is there already."""
        path, kept = current.path, f"{HISTORY}/{key}"
        with self.connections.client(path) as client:
            try:
                if self._lister.describe(client, kept).size == current.size:
                    return KeepResult.KEPT
                client.ftp.delete(self._lister.server_path(kept))
            except ResourceNotFound:
                self._make_folders(client, kept)
            try:
                client.ftp.rename(self._lister.server_path(path), self._lister.server_path(kept))
            except ftplib.error_perm:
                if self._exists(client, kept):
                    return KeepResult.KEPT  # by another thread: equal bytes stood at two paths
                if self._exists(client, path):
                    raise
                return KeepResult.GONE
        return KeepResult.KEPT

    def _exists(self, client: FtpClient, path: str) -> bool:
        try:
            self._lister.describe(client, path)
        except ResourceNotFound:
            return False
        return True

    def remove(self, path: str) -> None:
        """Delete one file; do nothing if it does not exist or is a folder."""
        check_path(path)
        with self.connections.client(path) as client:
            try:
                client.ftp.delete(self._lister.server_path(path))
            except ftplib.error_perm as error:
                try:
                    self._lister.describe(client, path)
                except ResourceNotFound:
                    return
                why = translate_ftp_error(error, path, self._where)
                if isinstance(why, ResourceNotFound):  # 550 also means denied, and it exists
                    why = AccessDenied(f"{self._where} refuses to remove {path!r}", path=path)
                raise why from error

    def close(self) -> None:
        """Release the connections."""
        self._on_close()

    def open_upload(self, temporary: str) -> tuple[FtpClient, socket.socket]:
        """Open the data channel of a new temporary file."""
        with self.connections.take_over(temporary) as client:
            try:
                self._make_folders(client, temporary)
                return client, client.ftp.transfercmd(f"STOR {self._lister.server_path(temporary)}")
            except ftplib.error_perm:
                self._folders.clear()
                raise

    def finalize(
        self, client: FtpClient, path: str, temporary: str, size: int, attributes: Attributes
    ) -> Stored:
        """Check a temporary file's size and rename it to its final name."""
        if attributes.modified_us is not None and "MFMT" in client.features:
            when = time.strftime("%Y%m%d%H%M%S", time.gmtime(attributes.modified_us // 1_000_000))
            with suppress(ftplib.error_perm, ftplib.error_temp):  # only nice to have
                client.ftp.voidcmd(f"MFMT {when} {self._lister.server_path(temporary)}")
        found = self._lister.describe(client, temporary)
        if found.size != size:
            raise SizeMismatch(path, size, found.size or 0)
        self._make_folders(client, path)
        try:
            client.ftp.rename(self._lister.server_path(temporary), self._lister.server_path(path))
        except ftplib.error_perm:
            # The folder was removed meanwhile, or this server does not rename over a file.
            self._folders.clear()
            self._make_folders(client, path)
            self._replace_existing(client, temporary, path)
        return Stored(size, etag=found.etag, modified_us=found.modified_us)

    def _replace_existing(self, client: FtpClient, temporary: str, path: str) -> None:
        """Replace an existing file: move it aside first, and back if that fails."""
        old, at = temporary_path_for(path), self._lister.server_path
        try:
            self._lister.describe(client, path)
        except StorageError:
            old = ""
            self._remove_empty(client, path)
        else:
            client.ftp.rename(at(path), at(old))
        try:
            client.ftp.rename(at(temporary), at(path))
        except ftplib.Error:
            if old:
                with suppress(ftplib.error_perm):
                    client.ftp.rename(at(old), at(path))
            raise
        if old:
            with suppress(ftplib.error_perm):
                client.ftp.delete(at(old))

    def _remove_empty(self, client: FtpClient, path: str) -> None:
        """Remove the empty folders at and below a path."""
        with suppress(ftplib.error_perm):
            client.ftp.rmd(self._lister.server_folder(path))
            return
        inner = self._lister.folders(client, path)
        for one in inner:
            self._remove_empty(client, one)
        if inner:
            with suppress(ftplib.error_perm):
                client.ftp.rmd(self._lister.server_folder(path))

    def discard(self, temporary: str) -> None:
        """Remove a temporary file; if that fails, it stays hidden."""
        with suppress(StorageError), self.connections.client(temporary) as client:
            client.ftp.delete(self._lister.server_path(temporary))

    def _make_folders(self, client: FtpClient, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder in self._folders:
            return
        parts = folder.split("/") if folder else []
        with self._lock:
            for count in range(len(parts) + 1):
                one = "/".join(parts[:count])
                place = self._lister.server_folder(one)
                if one in self._folders:
                    continue
                try:
                    client.ftp.mkd(place)
                except ftplib.error_perm:
                    client.ftp.cwd(place)  # it exists, or this raises the error to report
                self._folders.add(one)
