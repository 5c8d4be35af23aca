"""A shared connection: one process keeps the catalog open until another one waits for it.

Opening the catalog costs several milliseconds, more than most queries take. A process with constant
queries, such as a gateway, keeps the shared lock meanwhile, and checks every few milliseconds
whether anybody queues for it: then it releases the lock and queues behind them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from duckdb import DuckDBPyConnection

POLL_S = 0.01  # between two checks of the queue
IDLE_S = 0.5  # without a query, after which it is closed anyway


class SharedConnection:
    """The open catalog of one process; safe to share between threads."""

    def __init__(
        self,
        open_catalog: Callable[[], AbstractContextManager[DuckDBPyConnection]],
        has_waiters: Callable[[], bool],
    ) -> None:
        """Open by `open_catalog`, which takes the lock; `has_waiters`: another process waits."""
        self._open_catalog, self._has_waiters = open_catalog, has_waiters
        self._condition = threading.Condition()
        self._stack: ExitStack | None = None
        self._connection: DuckDBPyConnection | None = None
        self._idle: list[DuckDBPyConnection] = []
        self._users = 0
        self._revoked = False  # it is closed after its last user
        self._used_s = 0.0

    @contextmanager
    def cursor(self) -> Generator[DuckDBPyConnection]:
        """Yield a connection for one query."""
        cursor = self._acquire()
        try:
            yield cursor
        except BaseException:
            self._release(cursor, broken=True)
            raise
        self._release(cursor, broken=False)

    def is_wanted(self) -> bool:
        """Say whether somebody waits for it to be closed."""
        return self._revoked

    def revoke(self) -> None:
        """Close it after its last query; called before taking the exclusive lock."""
        with self._condition:
            if self._connection is None:
                return
            self._revoked = True
            if self._users == 0:
                self._close()

    def _acquire(self) -> DuckDBPyConnection:
        with self._condition:
            while self._revoked:
                self._condition.wait()
            connection = self._connection
            if connection is None:
                connection = self._open()
            self._users += 1
            if self._idle:
                return self._idle.pop()
            try:
                cursor = connection.cursor()
                cursor.execute("PRAGMA disable_progress_bar")
                cursor.execute("USE catalog")
            except BaseException:
                self._users -= 1
                raise
            return cursor

    def _release(self, cursor: DuckDBPyConnection, *, broken: bool) -> None:
        with self._condition:
            self._users -= 1
            self._used_s = time.monotonic()
            if broken:
                cursor.close()
            else:
                self._idle.append(cursor)
            if self._revoked and self._users == 0:
                self._close()

    def _open(self) -> DuckDBPyConnection:
        with ExitStack() as stack:
            self._connection = stack.enter_context(self._open_catalog())
            self._stack = stack.pop_all()
        self._used_s = time.monotonic()
        threading.Thread(target=self._watch, args=(self._stack,), daemon=True).start()
        return self._connection

    def _close(self) -> None:
        stack, self._stack = self._stack, None
        self._connection = None
        for cursor in self._idle:
            cursor.close()
        self._idle.clear()
        self._revoked = False
        try:
            if stack is not None:
                stack.close()
        finally:
            self._condition.notify_all()

    def _watch(self, stack: ExitStack) -> None:
        """Close it when somebody queues, or after some time without queries."""
        while True:
            time.sleep(POLL_S)
            with self._condition:
                if self._stack is not stack:
                    return
                idle = self._users == 0 and time.monotonic() - self._used_s > IDLE_S
                if idle or self._has_waiters():
                    self._revoked = True
                    if self._users == 0:
                        self._close()
                        return
