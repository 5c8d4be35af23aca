"""Keeps a file on an SFTP server in the history: by a hard link if supported, else a rename."""

from __future__ import annotations

import asyncio
import stat as stats
from collections.abc import Awaitable, Callable

import asyncssh

from providers.interfaces.history import HISTORY, KeepResult
from providers.ssh.sessions import SftpSessions

MakeFolders = Callable[[asyncssh.SFTPClient, str], Awaitable[None]]
"""Creates a folder and its parents, unless they are known to exist."""


async def keep_file(
    sessions: SftpSessions, base: str, path: str, key: str, make_folders: MakeFolders
) -> KeepResult:
    """Link or move the file `path` below `base` to `key` in the history there."""
    sftp = await sessions.sftp()
    async with asyncio.timeout(sessions.timeouts.write_s):
        return await _keep(sftp, base + path, f"{base}{HISTORY}/{key}", make_folders)


async def _keep(
    sftp: asyncssh.SFTPClient, origin: str, target: str, make_folders: MakeFolders
) -> KeepResult:
    try:
        current = await sftp.lstat(origin)
    except asyncssh.SFTPNoSuchFile:
        return KeepResult.GONE
    if current.permissions is not None and not stats.S_ISREG(current.permissions):
        return KeepResult.GONE  # a symbolic link has no content
    try:
        if (await sftp.stat(target)).size == current.size:
            return KeepResult.KEPT  # by an earlier try
        await sftp.remove(target)
    except asyncssh.SFTPNoSuchFile:
        await make_folders(sftp, target.rpartition("/")[0])
    try:
        await sftp.link(origin, target)
    except asyncssh.SFTPError:  # links are not supported; servers report different errors
        return await _move(sftp, origin, target)
    return KeepResult.KEPT


async def _move(sftp: asyncssh.SFTPClient, origin: str, target: str) -> KeepResult:
    try:
        await sftp.rename(origin, target)
    except asyncssh.SFTPNoSuchFile:
        if await sftp.exists(origin):
            raise
        return KeepResult.GONE
    return KeepResult.KEPT
