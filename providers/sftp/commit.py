"""Commits a file on an SFTP server: sets its attributes and renames it."""

from __future__ import annotations

import stat as stats
from contextlib import suppress

import asyncssh

from catalog.model.resource import LATEST_US
from providers.base import Attributes
from providers.shared.temporary_names import temporary_path_for
from providers.ssh.sessions import LOST


async def set_attributes(file: asyncssh.SFTPClientFile, attributes: Attributes) -> None:
    """Set time and mode if the server allows it; failures are ignored."""
    wanted = asyncssh.SFTPAttrs()
    if attributes.modified_us is not None and 0 <= attributes.modified_us <= LATEST_US:
        wanted.atime = wanted.mtime = attributes.modified_us // 1_000_000
    if attributes.mode is not None:
        wanted.permissions = attributes.mode
    if wanted.mtime is None and wanted.permissions is None:
        return
    try:
        await file.setstat(wanted)
    except asyncssh.SFTPError as error:
        if isinstance(error, LOST):
            raise


async def rename(sftp: asyncssh.SFTPClient, origin: str, target: str) -> None:
    """Rename a file atomically, or if the server cannot, move the old file aside first.

    The old file is moved back if the rename fails.
    """
    try:
        await sftp.posix_rename(origin, target)
    except asyncssh.SFTPNoSuchFile:
        raise
    except asyncssh.SFTPError as error:
        if isinstance(error, LOST):
            raise
    else:
        return
    aside = temporary_path_for(target)
    try:
        if await sftp.isdir(target):
            await _remove_empty(sftp, target)
        await sftp.rename(target, aside)
    except asyncssh.SFTPNoSuchFile:
        aside = ""
    try:
        await sftp.rename(origin, target)
    except asyncssh.SFTPError:
        if aside:
            await sftp.rename(aside, target)
        raise
    if aside:
        with suppress(asyncssh.SFTPError):
            await sftp.remove(aside)


async def _remove_empty(sftp: asyncssh.SFTPClient, folder: str) -> None:
    """Remove the empty folders at and below a folder."""
    async for one in sftp.scandir(folder):
        if one.filename not in (".", "..") and stats.S_ISDIR(one.attrs.permissions or 0):
            with suppress(asyncssh.SFTPError):
                await _remove_empty(sftp, f"{folder}/{one.filename!s}")
    await sftp.rmdir(folder)
