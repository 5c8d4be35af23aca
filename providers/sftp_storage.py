"""A folder of an SFTP server as a storage; writes go to a temporary name and are renamed."""

from __future__ import annotations

import asyncio
import stat as stats
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
from catalog.paths import RESERVED, check_path
from catalog.resource import Resource
from providers.base import Attributes, Capabilities, Fetched, Stored
from providers.connection import OnClose, keep_open
from providers.keeping import Kept
from providers.sftp_connection import SftpSessions
from providers.sftp_files import BLOCK, ONE_READ, SftpReading, SftpWriter
from providers.sftp_keeping import keep_file

FOLDERS = 8  # listed at once
Entry = tuple[str, asyncssh.SFTPAttrs]


class SftpStorage:
    """What lies below one folder of one server."""

    keeps_late = True  # a server without links moves the file away
    capabilities = Capabilities(atomic_rename=True, long_round_trip=True)

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
        self._making = asyncio.Lock()

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Resource]:
        """Yield every file, some folders listed at once; links are followed, circles are not."""
        if prefix:
            try:
                attrs = self.sessions.run(self._stat(prefix), prefix)
            except ResourceNotFound:
                return
            if _is_file(attrs):
                yield describe(prefix, attrs)
                return
        folders = [prefix]
        while folders:
            some = [folders.pop() for _ in range(min(FOLDERS, len(folders)))]
            for folder, entries in self.sessions.run(self._list(some), some[0]):
                if entries is None and not folder:
                    raise ResourceNotFound(f"{self._where} does not exist")
                for path, attrs in entries or ():
                    if _is_file(attrs):
                        yield describe(check_path(path), attrs)
                    elif recursive and stats.S_ISDIR(attrs.permissions or 0):
                        folders.append(path)

    def stat(self, path: str) -> Resource:
        """Describe one file."""
        check_path(path)
        attrs = self.sessions.run(self._stat(path), path)
        if not _is_file(attrs):
            raise ResourceNotFound(f"{path!r} is no file at {self._where}", path=path)
        return describe(path, attrs)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole; a small one in one request."""
        return self.sessions.run(self._fetch(check_path(path), etag), path)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> SftpReading:
        """Read a range with many requests under way."""
        return self.sessions.run(self._open(check_path(path), etag, start, length), path)

    def check_name(self, path: str) -> None:
        """Refuse segments over 255 bytes."""
        check_path(path)
        if len(path) > 63 and any(len(part.encode()) > 255 for part in path.split("/")):
            raise NameNotAllowed(path, self._where, "a segment is over 255 bytes")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file: one hop to the loop for all of it."""
        self.check_name(path)
        return self.sessions.run(self._put(path, data, attributes), path)

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> SftpWriter:  # noqa: ARG002 - no server asks
        """Begin a file under a temporary name."""
        self.check_name(path)
        return SftpWriter(self, path, self._temporary(), attributes)

    def keep(self, standing: Resource, key: str) -> Kept:
        """Link the file into the history, or move it there."""
        work = keep_file(self.sessions, self._base, standing.path, key, self._make)
        return self.sessions.run(work, standing.path)

    def remove(self, path: str) -> None:
        """Delete one file; absent is fine, and a folder is no file."""
        self.sessions.run(self._remove(check_path(path)), path)

    def close(self) -> None:
        """Let go of the connections."""
        self._on_close()

    async def create(self, temporary: str) -> asyncssh.SFTPClientFile:
        """Open a new temporary file for writing."""
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.write_s):
            try:
                return await sftp.open(temporary, "xb", block_size=BLOCK)
            except asyncssh.SFTPNoSuchFile:
                await self._make(sftp, self._temp)
                return await sftp.open(temporary, "xb", block_size=BLOCK)

    async def settle(
        self,
        file: asyncssh.SFTPClientFile,
        path: str,
        temporary: str,
        size: int,
        attributes: Attributes,
    ) -> Stored:
        """Close a written file, make sure of its size, and give it its name."""
        sftp = await self.sessions.sftp()
        final = self._base + path
        async with asyncio.timeout(self.sessions.timeouts.write_s):
            if attributes.modified_us is not None:
                when = attributes.modified_us // 1_000_000
                await file.setstat(asyncssh.SFTPAttrs(atime=when, mtime=when))
            attrs = await file.stat()
            await file.close()
            if attrs.size != size:
                await self.discard(None, temporary)
                raise SizeMismatch(path, size, attrs.size or 0)
            folder = final.rpartition("/")[0]
            await self._make(sftp, folder)
            try:
                await _rename(sftp, temporary, final)
            except asyncssh.SFTPNoSuchFile:  # somebody removed the folder that we knew
                self._folders.discard(folder)
                await self._make(sftp, folder)
                await _rename(sftp, temporary, final)
        found = describe(path, attrs)
        return Stored(size, etag=found.etag, modified_us=found.modified_us)

    async def discard(self, file: asyncssh.SFTPClientFile | None, temporary: str) -> None:
        """Close and remove a temporary file, as far as the connection still allows."""
        with suppress(asyncssh.Error, OSError):
            async with asyncio.timeout(self.sessions.timeouts.write_s):
                if file is not None:
                    await file.close()
                await (await self.sessions.sftp()).remove(temporary)

    def _temporary(self) -> str:
        return f"{self._temp}/{uuid4().hex}"

    async def _put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        writer = SftpWriter(self, path, self._temporary(), attributes)
        try:
            await writer.send(data)
            return await writer.finish()
        except BaseException:
            await writer.undo()
            raise

    async def _stat(self, path: str) -> asyncssh.SFTPAttrs:
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.read_s):
            return await sftp.stat(self._base + path)

    async def _open(
        self, path: str, etag: str | None, start: int, length: int | None
    ) -> SftpReading:
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.read_s):
            # Without asyncssh's own splitting: ours has the blocks in order.
            file = await sftp.open(self._base + path, "rb", block_size=0)
            try:
                attrs = await file.stat()
                resource = describe(path, attrs)
                if not _is_file(attrs):
                    raise ResourceNotFound(f"{path!r} is no file at {self._where}", path=path)
                if etag is not None and resource.etag != etag:
                    raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
            except BaseException:
                await file.close()
                raise
        size = resource.size or 0
        end = size if length is None else min(size, start + length)
        return SftpReading(self.sessions, file, resource, start, end)

    async def _fetch(self, path: str, etag: str | None) -> Fetched:
        reading = await self._open(path, etag, 0, None)
        try:
            size = reading.resource.size or 0
            done, pieces = 0, list[bytes]()
            if 0 < size <= ONE_READ:
                pieces.append(await reading.first(size))
                done = len(pieces[0])
            while done < size:
                pieces.append(await reading.next_chunk())
                done += len(pieces[-1])
        finally:
            await reading.end()
        return Fetched(pieces[0] if len(pieces) == 1 else b"".join(pieces), reading.resource)

    async def _list(self, folders: list[str]) -> list[tuple[str, list[Entry] | None]]:
        return await asyncio.gather(*(self._children(folder) for folder in folders))

    async def _children(self, folder: str) -> tuple[str, list[Entry] | None]:
        sftp = await self.sessions.sftp()
        place = self._base + folder if folder else self._root or "."
        entries: list[Entry] = []
        try:
            async with asyncio.timeout(None) as limit:
                loop = asyncio.get_running_loop()
                async for name in sftp.scandir(place):
                    limit.reschedule(loop.time() + self.sessions.timeouts.read_s)
                    child, attrs = str(name.filename), name.attrs
                    if child in (".", "..") or (not folder and child == RESERVED):
                        continue
                    path = f"{folder}/{child}" if folder else child
                    if stats.S_ISLNK(attrs.permissions or 0):
                        followed = await self._follow(sftp, path)
                        if followed is None:
                            continue
                        attrs = followed
                    entries.append((path, attrs))
        except asyncssh.SFTPNoSuchFile:
            return folder, None  # gone since its parent was listed
        return folder, entries

    async def _follow(self, sftp: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPAttrs | None:
        """Return what a symbolic link leads to; None for nothing, and for a folder above itself."""
        try:
            attrs = await sftp.stat(self._base + path)
            if stats.S_ISDIR(attrs.permissions or 0):
                real = str(await sftp.realpath(self._base + path))
                above = str(await sftp.realpath(self._base + path.rpartition("/")[0] or "."))
                if (above + "/").startswith(real.rstrip("/") + "/"):
                    return None
        except asyncssh.SFTPNoSuchFile:
            return None
        return attrs

    async def _make(self, sftp: asyncssh.SFTPClient, folder: str) -> None:
        if folder in self._folders or not folder:
            return
        async with self._making:
            await sftp.makedirs(folder, exist_ok=True)
            self._folders.add(folder)

    async def _remove(self, path: str) -> None:
        sftp = await self.sessions.sftp()
        async with asyncio.timeout(self.sessions.timeouts.write_s):
            try:
                await sftp.remove(self._base + path)
            except asyncssh.SFTPNoSuchFile:
                return
            except asyncssh.SFTPError:
                if await sftp.isdir(self._base + path):
                    return
                raise


async def _rename(sftp: asyncssh.SFTPClient, origin: str, goal: str) -> None:
    try:
        await sftp.posix_rename(origin, goal)
    except asyncssh.SFTPOpUnsupported:
        with suppress(asyncssh.SFTPNoSuchFile):
            await sftp.remove(goal)  # plain rename refuses a name that is taken
        await sftp.rename(origin, goal)


def describe(path: str, attrs: asyncssh.SFTPAttrs) -> Resource:
    """Describe a file; its etag is size and second, which is all that SFTP tells."""
    size, mtime = attrs.size, attrs.mtime
    etag = None if size is None or mtime is None else f"{int(mtime):x}-{size:x}"
    modified_us = None if mtime is None else int(mtime) * 1_000_000
    return Resource(path, size=size, etag=etag, modified_us=modified_us)


def _is_file(attrs: asyncssh.SFTPAttrs) -> bool:
    return attrs.permissions is None or stats.S_ISREG(attrs.permissions)
