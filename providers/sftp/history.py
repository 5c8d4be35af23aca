"""Keeping a file of an SFTP server: a hard link where the server makes them, else a rename."""

from __future__ import annotations

import asyncio
import stat as stats
from collections.abc import Awaitable, Callable

import asyncssh

from providers.interfaces.history import HISTORY, KeepResult
from providers.ssh.sessions import SftpSessions

MakeFolders = Callable[[asyncssh.SFTPClient, str], Awaitable[None]]
"""Makes a folder, and those above it, where they are not known to be."""


async def keep_file(
    sessions: SftpSessions, base: str, path: str, key: str, make_folders: MakeFolders
) -> KeepResult:
    """Bring the file `path` below `base` to `key` of the history there."""
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
        return KeepResult.GONE  # a symbolic link holds no bytes
    try:
        if (await sftp.stat(target)).size == current.size:
            return KeepResult.KEPT  # by an earlier try
        await sftp.remove(target)
    except asyncssh.SFTPNoSuchFile:
        await make_folders(sftp, target.rpartition("/")[0])
    try:
        await sftp.link(origin, target)
    except asyncssh.SFTPError:  # the server, or its file system, has no links; servers differ
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
