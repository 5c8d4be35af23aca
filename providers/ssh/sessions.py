"""SFTP sessions on an event loop in its own thread, usable from any thread."""

from __future__ import annotations

import asyncio
import copy
import itertools
import os
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

import asyncssh

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    NotSupported,
    ResourceNotFound,
    StorageError,
    StorageFailed,
    TransferTimeout,
)
from providers.base import Timeouts

SESSIONS = 4  # connections; more use server processes without gain on a single event loop
T = TypeVar("T")
_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory)
LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError)


class SftpSessions:
    """A few connections, opened on demand and reopened when lost, with their event loop."""

    def __init__(
        self, arguments: dict[str, Any], where: str, timeouts: Timeouts, limit: int
    ) -> None:
        """Connect with `arguments`, at most `limit` times; `where` names the server."""
        self._arguments = arguments
        self.where = where
        self.timeouts = timeouts
        count = max(1, min(limit, SESSIONS))
        self._slots: list[tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient] | None]
        self._slots = [None] * count
        self._locks = [asyncio.Lock() for _ in range(count)]
        self._counter = itertools.count()
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp", daemon=True)
        self._thread.start()

    def for_folder(self, where: str) -> Self:
        """Return the same sessions with `where` as the folder named in errors."""
        same = copy.copy(self)
        same.where = where
        return same

    def run(self, work: Coroutine[Any, Any, T], path: str) -> T:
        """Run `work` on the loop and return its result, errors translated."""
        if self._loop.is_closed() or self._pid != os.getpid():
            work.close()  # a forked child does not have the thread, and would wait for ever
            raise ConnectionFailed(
                f"{self.where}: the connection is closed, or was opened before a fork", path=path
            )
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException as error:
            if not future.done():  # the waiting thread was interrupted
                future.cancel()
                raise
            if isinstance(error, asyncssh.Error | OSError) and not isinstance(error, StorageError):
                raise translate_ssh_error(error, path, self.where) from error
            raise

    async def sftp(self) -> asyncssh.SFTPClient:
        """Return the next session in turn, reconnecting if it is missing or lost."""
        index = next(self._counter) % len(self._slots)
        async with self._locks[index]:
            slot = self._slots[index]
            if slot is not None and not slot[0].is_closed():
                return slot[1]
            async with asyncio.timeout(2 * self.timeouts.connect_s):
                connection = await asyncssh.connect(**self._arguments)
                client = await connection.start_sftp_client(path_errors="surrogateescape")
            self._slots[index] = (connection, client)
            return client

    def close(self) -> None:
        """Close every connection and stop the thread; safe to call twice."""
        if self._loop.is_closed() or self._pid != os.getpid():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        for index, slot in enumerate(self._slots):
            self._slots[index] = None
            if slot is not None:
                slot[1].exit()
                slot[0].close()
                with suppress(asyncssh.Error, OSError):
                    await slot[0].wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def translate_ssh_error(error: Exception, path: str, where: str) -> StorageError:  # noqa: PLR0911 - a table
    """Return our error for an error of asyncssh."""
    context = f"{where}: {path!r}"
    if isinstance(error, _MISSING):
        return ResourceNotFound(f"{where} has no {path!r}", path=path)
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return AccessDenied(f"{where} refuses access to {path!r}", path=path)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return AccessDenied(
            f"{where}: the server's host key is unknown: verify it, and add it to the "
            "repository's known_hosts",
            path=path,
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return AccessDenied(f"{where} refuses the login", path=path)
    if isinstance(error, TimeoutError):
        return TransferTimeout(f"{context}: timed out", path=path)
    if isinstance(error, asyncssh.SFTPOpUnsupported):
        return NotSupported(f"{context}: the server does not support this operation", path=path)
    if isinstance(error, (*LOST, OSError)):
        return ConnectionFailed(f"{context}: the connection failed ({_reason(error)})", path=path)
    return StorageFailed(f"{context}: {_reason(error)}", path=path)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", "") or getattr(error, "strerror", "")
    return str(reason or type(error).__name__)
