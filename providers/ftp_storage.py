"""A folder of an FTP server as a storage: MLSD lists, REST resumes, RNTO shows what is whole."""

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
from catalog.paths import RESERVED, check_path
from catalog.resource import Resource
from providers.base import Attributes, Capabilities, Fetched, Stored
from providers.connection import OnClose, keep_open
from providers.ftp_connection import FtpClient, FtpConnections, translated
from providers.ftp_files import FtpReading, FtpWriter
from providers.ftp_listing import FtpEntry, parse_facts, parse_list, parse_time
from providers.keeping import HISTORY, Kept

_TEMP = f"{RESERVED}/tmp"  # noqa: S108 - below the root


class FtpStorage:
    """What lies below one folder of one server."""

    keeps_late = True  # it moves the file away
    capabilities = Capabilities(atomic_rename=True, long_round_trip=True)

    def __init__(
        self, connections: FtpConnections, root: str, where: str, on_close: OnClose = keep_open
    ) -> None:
        """Serve `root`, without slashes at its ends."""
        self.connections = connections
        self._base = f"/{root}/" if root else "/"
        self._where = where
        self._on_close = on_close
        self._folders: set[str] = {""} if not root else set()  # known to exist
        self._lock = threading.Lock()

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Resource]:
        """Yield every file, folder by folder; links to files count, links to folders do not."""
        if prefix:
            with suppress(ResourceNotFound):
                yield self.stat(prefix)
                return
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                entries = self._list(folder)
            except ResourceNotFound:
                if not folder:
                    raise
                continue  # not there, or gone since its parent was listed
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if path == RESERVED or entry.kind in ("cdir", "pdir", "other"):
                    continue
                check_path(path)
                if entry.kind == "file":
                    yield entry.resource(path)
                elif entry.kind == "dir":
                    if recursive:
                        folders.append(path)
                else:
                    with suppress(ResourceNotFound):
                        yield self.stat(path)

    def stat(self, path: str) -> Resource:
        """Describe one file."""
        check_path(path)
        with self.connections.client(path) as client:
            return self._look(client, path)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole."""
        reading = self.read(path, etag=etag)
        try:
            data = b"".join(bytes(chunk) for chunk in reading)
        finally:
            reading.close()
        return Fetched(data, reading.resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> FtpReading:
        """Read from `start` on a connection of its own."""
        check_path(path)
        client = self.connections.take(path)
        try:
            resource = self._look(client, path)
            if etag is not None and resource.etag != etag:
                raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
            data = client.ftp.transfercmd(f"RETR {self._base}{path}", start or None)
        except (ftplib.error_perm, StorageError) as error:
            self.connections.give(client)
            raise self._ours(error, path) from error
        except (ftplib.Error, OSError, EOFError) as error:
            self.connections.drop(client)
            raise translated(error, path, self._where) from error
        return FtpReading(self.connections, client, data, resource, start, length)

    def check_name(self, path: str) -> None:
        """Refuse line ends, which end an FTP command, and segments over 255 bytes."""
        check_path(path)
        if "\n" in path or "\r" in path:
            raise NameNotAllowed(path, self._where, "it holds a line end")
        if any(len(part.encode()) > 255 for part in path.split("/")):
            raise NameNotAllowed(path, self._where, "a segment is over 255 bytes")
        if any(part != part.strip(" ") for part in path.split("/")):
            raise NameNotAllowed(path, self._where, "servers cut spaces off the ends of names")

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
        """Begin a file under a temporary name, on a connection of its own."""
        self.check_name(path)
        return FtpWriter(self, path, f"{_TEMP}/{uuid4().hex}", attributes)

    def keep(self, standing: Resource, key: str) -> Kept:
        """Move the file into the history, unless it lies there from before."""
        path, kept = standing.path, f"{HISTORY}/{key}"
        with self.connections.client(path) as client:
            try:
                if self._look(client, kept).size == standing.size:
                    return Kept.KEPT
                client.ftp.delete(self._base + kept)
            except ResourceNotFound:
                self._make_folders(client, kept)
            try:
                client.ftp.rename(self._base + path, self._base + kept)
            except ftplib.error_perm:
                if self._there(client, kept):
                    return Kept.KEPT  # by another thread: equal bytes stood at two paths
                if self._there(client, path):
                    raise
                return Kept.GONE
        return Kept.KEPT

    def _there(self, client: FtpClient, path: str) -> bool:
        try:
            self._look(client, path)
        except ResourceNotFound:
            return False
        return True

    def remove(self, path: str) -> None:
        """Delete one file; absent is fine, and a folder is no file."""
        check_path(path)
        with self.connections.client(path) as client:
            try:
                client.ftp.delete(self._base + path)
            except ftplib.error_perm as error:
                try:
                    self._look(client, path)
                except ResourceNotFound:
                    return
                why = translated(error, path, self._where)
                if isinstance(why, ResourceNotFound):  # 550 means that too, and it is there
                    why = AccessDenied(f"{self._where} does not remove {path!r}", path=path)
                raise why from error

    def close(self) -> None:
        """Let go of the connections."""
        self._on_close()

    def begin(self, temporary: str) -> tuple[FtpClient, socket.socket]:
        """Open the data channel of a new temporary file."""
        client = self.connections.take(temporary)
        try:
            self._make_folders(client, temporary)
            return client, client.ftp.transfercmd(f"STOR {self._base}{temporary}")
        except ftplib.error_perm as error:
            self._folders.clear()
            self.connections.give(client)
            raise translated(error, temporary, self._where) from error
        except (ftplib.Error, OSError, EOFError) as error:
            self.connections.drop(client)
            raise translated(error, temporary, self._where) from error

    def settle(
        self, client: FtpClient, path: str, temporary: str, size: int, attributes: Attributes
    ) -> Stored:
        """Make sure of a temporary file's size and give it its final name."""
        if attributes.modified_us is not None and "MFMT" in client.features:
            when = time.strftime("%Y%m%d%H%M%S", time.gmtime(attributes.modified_us // 1_000_000))
            with suppress(ftplib.error_perm):
                client.ftp.voidcmd(f"MFMT {when} {self._base}{temporary}")
        found = self._look(client, temporary)
        if found.size != size:
            raise SizeMismatch(path, size, found.size or 0)
        self._make_folders(client, path)
        origin, goal = self._base + temporary, self._base + path
        try:
            client.ftp.rename(origin, goal)
        except ftplib.error_perm:
            # The folder was removed meanwhile, or this server renames over nothing.
            self._folders.clear()
            self._make_folders(client, path)
            with suppress(ftplib.error_perm):
                client.ftp.delete(goal)
            client.ftp.rename(origin, goal)
        return Stored(size, etag=found.etag, modified_us=found.modified_us)

    def discard(self, temporary: str) -> None:
        """Remove a temporary file; where even that fails, it stays hidden."""
        with suppress(StorageError), self.connections.client(temporary) as client:
            client.ftp.delete(self._base + temporary)

    def _ours(self, error: Exception, path: str) -> StorageError:
        if isinstance(error, StorageError):
            return error
        return translated(error, path, self._where)

    def _list(self, folder: str) -> list[FtpEntry]:
        place = (self._base + folder).rstrip("/") or "/"
        lines: list[str] = []
        with self.connections.client(folder) as client:
            if "MLST" in client.features:
                client.ftp.retrlines(f"MLSD {place}", lines.append)
                client.ftp.voidcmd("TYPE I")
                return [parse_facts(line) for line in lines]
            client.ftp.cwd(place)  # LIST of what is missing is empty, or a file's own line
            client.ftp.retrlines("LIST -a", lines.append)
            client.ftp.voidcmd("TYPE I")
            found = [parse_list(line) for line in lines]
            return [one for one in found if one is not None and one.name not in (".", "..")]

    def _look(self, client: FtpClient, path: str) -> Resource:
        place = self._base + path
        try:
            if "MLST" in client.features:
                lines = client.ftp.sendcmd(f"MLST {place}").splitlines()
                entry = parse_facts(lines[1].lstrip(" ") if len(lines) > 2 else "")
            else:
                size = client.ftp.size(place)
                changed = client.ftp.sendcmd(f"MDTM {place}")
                entry = FtpEntry(path, "file", size, parse_time(changed[4:]))
        except ftplib.error_perm as error:
            raise translated(error, path, self._where) from error
        if entry.kind not in ("file", "link"):
            raise ResourceNotFound(f"{path!r} is no file at {self._where}", path=path)
        return entry.resource(path)

    def _make_folders(self, client: FtpClient, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder in self._folders:
            return
        parts = folder.split("/") if folder else []
        with self._lock:
            for count in range(len(parts) + 1):
                one = "/".join(parts[:count])
                place = (self._base + one).rstrip("/") or "/"
                if one in self._folders:
                    continue
                try:
                    client.ftp.mkd(place)
                except ftplib.error_perm:
                    client.ftp.cwd(place)  # it is there, or this is the error to tell
                self._folders.add(one)
