"""A folder of an SFTP server as a storage; files are written to a temporary name and renamed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import asyncssh

from catalog.errors import (
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
)
from catalog.model.gap import Listed
from catalog.model.resource import Resource
from catalog.paths import RESERVED, check_path
from providers.base import Attributes, Fetched, Stored
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.interfaces.history import KeepResult
from providers.sftp.commit import rename, set_attributes
from providers.sftp.files import BLOCK, MAX_SINGLE_READ, SftpReader, SftpWriter
from providers.sftp.history import keep_file
from providers.sftp.listing import SftpLister, describe, is_file
from providers.shared.raw_names import to_raw
from providers.shared.temporary_names import temporary_path_for
from providers.shared.tree_walk import walk
from providers.ssh.sessions import LOST, SftpSessions

FOLDERS = 8  # listed concurrently


@error_boundary
class SftpStorage:
    """The files below one folder of a server."""

    keeps_at_commit = True  # without hard links, keeping moves the file away
    capabilities = Capabilities(atomic_rename=True, long_round_trip=True, raw_names=True)

    def __init__(
        self, sessions: SftpSessions, root: str, where: str, on_close: OnClose = keep_open
    ) -> None:
        """Serve `root` ('' is the user's home)."""
        self.sessions = sessions
        self._on_close = on_close
        self._root = root.rstrip("/") or root
        self._base = f"{self._root.rstrip('/')}/" if root else ""
        self._temp = f"{self._base}{RESERVED}/tmp"  # noqa: S108 - below our own root
        self._where = where
        self._folders: set[str] = set()  # known to exist
        self._drop_folder = False  # only new files are allowed
        self._folder_lock = asyncio.Lock()

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file; links are followed, but not loops."""
        if prefix:
            try:
                attrs = self.sessions.run(self._stat(prefix), prefix)
            except ResourceNotFound:
                return
            if is_file(attrs):
                yield describe(prefix, attrs)
                return
        look = SftpLister(self.sessions, self._base, self._root or ".", self._where)
        yield from walk(look.folder(prefix), look, recursive=recursive, batch_size=FOLDERS)

    def leftovers(self) -> Iterator[Listed]:
        """Yield the temporary files that lie beside others."""
        look = SftpLister(self.sessions, self._base, self._root or ".", self._where)
        return walk(look.folder(""), look, batch_size=FOLDERS, temporary=True)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file."""
        check_path(path)
        attrs = self.sessions.run(self._stat(path), path)
        if not is_file(attrs):
            raise ResourceNotFound(f"{path!r} is not a file at {self._where}", path=path)
        return describe(path, attrs)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole; a small one in one request."""
        return self.sessions.run(self._fetch(check_path(path), etag), path)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> SftpReader:
        """Read a range with many concurrent requests."""
        return self.sessions.run(self._open(check_path(path), etag, start, length), path)

    def check_name(self, path: str) -> None:
        """Refuse segments longer than 255 bytes."""
        check_path(path)
        if len(path) > 63 and any(
            len(part.encode("utf-8", "surrogateescape")) > 255 for part in to_raw(path).split("/")
        ):
            raise NameNotAllowed(path, self._where, "a segment is longer than 255 bytes")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file in a single call to the loop."""
        self.check_name(path)
        return self.sessions.run(self._put(path, data, attributes), path)

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> SftpWriter:  # noqa: ARG002 - no server asks
        """Start writing to a temporary file."""
        self.check_name(path)
        return SftpWriter(self, path, self.temporary_path(path), attributes)

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Hard-link the file into the history, or move it there."""
        work = keep_file(self.sessions, self._base, to_raw(current.path), key, self._make_folders)
        return self.sessions.run(work, current.path)

    def remove(self, path: str) -> None:
        """Delete one file; do nothing if it does not exist or is a folder."""
        self.sessions.run(self._remove(check_path(path)), path)

    def close(self) -> None:
        """Release the connections."""
        self._on_close()

    async def create(self, temporary: str, path: str) -> tuple[str, asyncssh.SFTPClientFile]:
        """Create a temporary file; return its name, which may be a different one.

        A drop folder allows new files, but not our temporary folder: there it is next to the file.
        """
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.write_s):
            try:
                return temporary, await self._create_file(sftp, temporary)
            except asyncssh.SFTPError as error:
                if self._drop_folder or isinstance(error, LOST):
                    raise
            other = temporary_path_for(self._server_path(path))
            created = await self._create_file(sftp, other)
            self._drop_folder = True
            return other, created

    async def _create_file(
        self, sftp: asyncssh.SFTPClient, temporary: str
    ) -> asyncssh.SFTPClientFile:
        try:
            return await sftp.open(temporary, "xb", block_size=BLOCK)
        except asyncssh.SFTPNoSuchFile:
            await self._make_folders(sftp, temporary.rpartition("/")[0])
            return await sftp.open(temporary, "xb", block_size=BLOCK)

    async def finalize(
        self,
        file: asyncssh.SFTPClientFile,
        path: str,
        temporary: str,
        size: int,
        attributes: Attributes,
    ) -> Stored:
        """Close a written file, check its size, and rename it."""
        sftp = await self.sessions.sftp()
        final = self._server_path(path)
        async with asyncio.timeout(self.sessions.timeouts.write_s):
            await set_attributes(file, attributes)
            attrs = await file.stat()
            await file.close()
            if attrs.size != size:
                await self.discard(None, temporary)
                raise SizeMismatch(path, size, attrs.size or 0)
            folder = final.rpartition("/")[0]
            await self._make_folders(sftp, folder)
            try:
                await rename(sftp, temporary, final)
            except asyncssh.SFTPNoSuchFile:  # the folder was removed meanwhile
                self._folders.discard(folder)
                await self._make_folders(sftp, folder)
                await rename(sftp, temporary, final)
        found = describe(path, attrs)
        return Stored(size, etag=found.etag, modified_us=found.modified_us)

    async def discard(self, file: asyncssh.SFTPClientFile | None, temporary: str) -> None:
        """Close and remove a temporary file, if the connection still works."""
        with suppress(asyncssh.Error, OSError):
            async with asyncio.timeout(self.sessions.timeouts.write_s):
                if file is not None:
                    await file.close()
                await (await self.sessions.sftp()).remove(temporary)

    def temporary_path(self, path: str) -> str:
        """Return the server's path of a new temporary file."""
        return (
            temporary_path_for(self._server_path(path))
            if self._drop_folder
            else f"{self._temp}/{uuid4().hex}"
        )

    def _server_path(self, path: str) -> str:
        return self._base + to_raw(path)

    async def _put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        writer = SftpWriter(self, path, self.temporary_path(path), attributes)
        try:
            await writer.send(data)
            return await writer.finish()
        except BaseException:
            await writer.roll_back()
            raise

    async def _stat(self, path: str) -> asyncssh.SFTPAttrs:
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.read_s):
            return await sftp.stat(self._server_path(path))

    async def _open(
        self, path: str, etag: str | None, start: int, length: int | None
    ) -> SftpReader:
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.read_s):
            # Disable asyncssh's own splitting: ours returns blocks in order.
            file = await sftp.open(self._server_path(path), "rb", block_size=0)
            try:
                attrs = await file.stat()
                resource = describe(path, attrs)
                if not is_file(attrs):
                    raise ResourceNotFound(f"{path!r} is not a file at {self._where}", path=path)
                if etag is not None and resource.etag != etag:
                    raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
            except BaseException:
                await file.close()
                raise
        size = resource.size or 0
        end = size if length is None else min(size, start + length)
        return SftpReader(self.sessions, file, resource, start, end)

    async def _fetch(self, path: str, etag: str | None) -> Fetched:
        reader = await self._open(path, etag, 0, None)
        try:
            size = reader.resource.size or 0
            done, pieces = 0, list[bytes]()
            if 0 < size <= MAX_SINGLE_READ:
                pieces.append(await reader.read_first(size))
                done = len(pieces[0])
            while done < size:
                pieces.append(await reader.next_chunk())
                done += len(pieces[-1])
        finally:
            await reader.close_file()
        return Fetched(pieces[0] if len(pieces) == 1 else b"".join(pieces), reader.resource)

    async def _make_folders(self, sftp: asyncssh.SFTPClient, folder: str) -> None:
        if folder in self._folders or not folder:
            return
        async with self._folder_lock:
            try:
                await sftp.makedirs(folder, exist_ok=True)
            except asyncssh.SFTPError:  # a server may refuse even existing folders
                if not await sftp.isdir(folder):
                    raise
            self._folders.add(folder)

    async def _remove(self, path: str) -> None:
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.write_s):
            try:
                await sftp.remove(self._server_path(path))
            except asyncssh.SFTPNoSuchFile:
                return
            except asyncssh.SFTPError:
                if await sftp.isdir(self._server_path(path)):
                    return
                raise
