"""Lists an SFTP server's folders, several at once."""

from __future__ import annotations

import asyncio
import stat as stats
from collections.abc import Iterator

import asyncssh

from catalog.errors import AccessDenied, StorageError, UnexpectedReply
from catalog.model.gap import NAME, Gap, gap_from_error
from catalog.model.resource import Resource
from catalog.paths import RESERVED
from providers.shared.raw_names import to_printable, to_raw
from providers.shared.tree_walk import Folder, Found
from providers.ssh.sessions import SftpSessions, translate_ssh_error

_BROKEN_LINK = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPLinkLoop)


class SftpLister:
    """Lists folders below one folder of a server."""

    def __init__(self, sessions: SftpSessions, base: str, root: str, where: str) -> None:
        """List below `base`, which ends in a slash or is empty; `root` is the same without it."""
        self._sessions = sessions
        self._base, self._root, self._where = base, root, where

    def folder(self, path: str) -> Folder:
        """Return the folder to start from."""
        try:
            real = self._sessions.run(self._real_path(self._server_path(path)), path)
        except StorageError:
            return Folder(path)  # a server without realpath: links cannot be distinguished
        return Folder(path, real)

    def __call__(self, folders: list[Folder]) -> Iterator[tuple[Folder, Iterator[Found]]]:
        """List some folders."""
        every = self._sessions.run(self._list_all(folders), folders[0].path)
        for folder, found in zip(folders, every, strict=True):
            yield folder, _raise_or_yield(found)

    def _server_path(self, path: str) -> str:
        return self._base + to_raw(path) if path else self._root

    async def _list_all(self, folders: list[Folder]) -> list[list[Found] | StorageError]:
        return await asyncio.gather(*(self._list_folder(folder) for folder in folders))

    async def _list_folder(self, folder: Folder) -> list[Found] | StorageError:
        """Return a folder's entries or its error; retry once after the unspecific `Failure`."""
        try:
            try:
                return await self._children(folder)
            except asyncssh.SFTPFailure:
                return await self._children(folder)
        except asyncssh.SFTPFailure as error:
            why = f"{self._where}: cannot list {folder.path or '/'!r}: {error.reason}"
            return UnexpectedReply(why, path=folder.path)
        except (asyncssh.Error, OSError) as error:
            return translate_ssh_error(error, folder.path, self._where)

    async def _children(self, folder: Folder) -> list[Found]:
        sftp = await self._sessions.sftp()
        found: list[Found] = []
        async with asyncio.timeout(None) as limit:
            loop = asyncio.get_running_loop()
            async for one in sftp.scandir(self._server_path(folder.path)):
                limit.reschedule(loop.time() + self._sessions.timeouts.read_s)
                name = to_printable(str(one.filename))
                path = f"{folder.path}/{name}" if folder.path else name
                if name in (".", "..") or path == RESERVED:
                    continue
                if "/" in name:
                    why = "the server lists a name that contains a slash"
                    found.append(Gap(path, why, NAME, below=True))
                    continue
                entry = await self._describe_entry(sftp, folder, path, one.attrs)
                if entry is not None:
                    found.append(entry)
        return found

    async def _describe_entry(
        self, sftp: asyncssh.SFTPClient, folder: Folder, path: str, attrs: asyncssh.SFTPAttrs
    ) -> Found | None:
        """Return one entry; None if it is not a file, or is a broken link."""
        link = stats.S_ISLNK(attrs.permissions or 0)
        real = None
        try:
            if link or attrs.permissions is None:
                attrs = await sftp.stat(self._server_path(path))
            if stats.S_ISDIR(attrs.permissions or 0):
                name = path.rpartition("/")[2]
                if link:
                    real = await self._real_path(self._server_path(path))
                elif folder.real is not None:
                    real = f"{folder.real.rstrip('/')}/{name}"
                return Folder(path, real, link=link)
        except _BROKEN_LINK:
            return None
        except asyncssh.SFTPPermissionDenied as error:
            return gap_from_error(translate_ssh_error(error, path, self._where), path, below=True)
        except asyncssh.SFTPFailure as error:
            denied = AccessDenied(f"{self._where}: {path!r}: {error.reason}", path=path)
            return gap_from_error(denied, path, below=True)
        return describe(path, attrs) if is_file(attrs) else None

    async def _real_path(self, place: str) -> str:
        sftp = await self._sessions.sftp()
        async with asyncio.timeout(self._sessions.timeouts.read_s):
            return to_printable(str(await sftp.realpath(place)))


def _raise_or_yield(found: list[Found] | StorageError) -> Iterator[Found]:
    if isinstance(found, StorageError):
        raise found
    yield from found


def describe(path: str, attrs: asyncssh.SFTPAttrs) -> Resource:
    """Return a file's metadata; its etag is time (s) and size, which is all that SFTP has."""
    size, mtime = attrs.size, attrs.mtime
    etag = None if size is None or mtime is None else f"{int(mtime):x}-{size:x}"
    modified_us = None if mtime is None else int(mtime) * 1_000_000
    mode = None if attrs.permissions is None else stats.S_IMODE(attrs.permissions) & 0o777
    return Resource(path, size=size, etag=etag, modified_us=modified_us, mode=mode)


def is_file(attrs: asyncssh.SFTPAttrs) -> bool:
    """Return whether it is a regular file, or of unknown type."""
    return attrs.permissions is None or stats.S_ISREG(attrs.permissions)
