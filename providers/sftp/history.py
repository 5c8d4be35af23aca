"""Keeping a file of an SFTP server: a hard link where the server makes them, else a rename."""

from __future__ import annotations

import asyncio
import stat as stats
from collections.abc import Awaitable, Callable

import asyncssh

from providers.interfaces.history import HISTORY, KeepResult
from providers.ssh.sessions import SftpSessions

Make = Callable[[asyncssh.SFTPClient, str], Awaitable[None]]
"""Makes a folder, and those above it, where they are not known to be."""


async def keep_file(
    sessions: SftpSessions, base: str, path: str, key: str, make: Make
) -> KeepResult:
    """Bring the file `path` below `base` to `key` of the history there."""
    sftp = await sessions.sftp()
    async with asyncio.timeout(sessions.timeouts.write_s):
        return await _kept(sftp, base + path, f"{base}{HISTORY}/{key}", make)


async def _kept(sftp: asyncssh.SFTPClient, origin: str, goal: str, make: Make) -> KeepResult:
    try:
        standing = await sftp.lstat(origin)
    except asyncssh.SFTPNoSuchFile:
        return KeepResult.GONE
    if standing.permissions is not None and not stats.S_ISREG(standing.permissions):
        return KeepResult.GONE  # a symbolic link holds no bytes
    try:
        if (await sftp.stat(goal)).size == standing.size:
            return KeepResult.KEPT  # by an earlier try
        await sftp.remove(goal)
    except asyncssh.SFTPNoSuchFile:
        await make(sftp, goal.rpartition("/")[0])
    try:
        await sftp.link(origin, goal)
    except asyncssh.SFTPError:  # the server, or its file system, has no links; servers differ
        return await _moved(sftp, origin, goal)
    return KeepResult.KEPT


async def _moved(sftp: asyncssh.SFTPClient, origin: str, goal: str) -> KeepResult:
    try:
        await sftp.rename(origin, goal)
    except asyncssh.SFTPNoSuchFile:
        if await sftp.exists(origin):
            raise
        return KeepResult.GONE
    return KeepResult.KEPT
