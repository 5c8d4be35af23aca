"""Limits how long a query of the catalog may take: by time, and while its caller waits.

    with query_budget(Budget(seconds=10)) as budget:
        catalog.resources.page(...)      # raises `AnswerTimeout` after ten seconds
        budget.leave()                   # from any thread: ends the query at once

Without a budget a query may take any time: flows wait for their results.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Protocol

import duckdb

from catalog.errors import AnswerTimeout, CatalogUnavailable
from catalog.store.disk_errors import disk_error

POLL_S = 0.02  # between two checks of the running queries
YIELD_S = 0.3  # after which a caller's query gives way to waiting processes
REPEAT_YIELD_S = 0.02  # the same, for a tenant whose queries recently gave way
REPEAT_WINDOW_S = 30.0


class Interruptible(Protocol):
    """A connection whose query another thread may end."""

    def interrupt(self) -> None:
        """Interrupt the running query, if there is one."""
        ...


class QueryAuthor(Enum):
    """Who wrote a query: ours are known to be short; a caller's may be anything."""

    OURS = "ours"
    CALLERS = "caller's"


class Budget:
    """The time limit of one request's queries; safe to share between threads."""

    __slots__ = ("_left", "seconds")

    def __init__(self, seconds: float) -> None:
        """Allow each query this many seconds."""
        self.seconds = seconds
        self._left = threading.Event()

    def leave(self) -> None:
        """Record that the caller no longer waits."""
        self._left.set()

    @property
    def left(self) -> bool:
        """Say whether the caller has left."""
        return self._left.is_set()

    def reason_to_stop(self, took_s: float) -> str | None:
        """Return why a query that took this long must end, if it must."""
        if self.left:
            return "the caller has left"
        if took_s > self.seconds:
            return f"it took longer than {self.seconds:g} s: narrow the request"
        return None


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def query_budget(budget: Budget) -> Generator[Budget]:
    """Apply a budget to the queries of this context and of threads that inherit it."""
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


def caller_has_left() -> bool:
    """Say whether the caller of this context has left."""
    budget = _budget.get()
    return budget is not None and budget.left


def time_limit() -> Callable[[], None]:
    """Return a check for a request with many queries: it raises once the time from now is over.

    Raises:
        AnswerTimeout: time is over, or the caller has left.
    """
    budget, began_s = _budget.get(), time.monotonic()

    def check() -> None:
        why = None if budget is None else budget.reason_to_stop(time.monotonic() - began_s)
        if why is not None:
            raise AnswerTimeout(f"the query was stopped: {why}")

    return check


class _RunningQuery:
    """One running query."""

    __slots__ = ("author", "budget", "connection", "ended_by", "since_s", "tenant", "wanted")

    def __init__(
        self,
        connection: Interruptible,
        budget: Budget,
        author: QueryAuthor,
        wanted: Callable[[], bool],
        tenant: str,
    ) -> None:
        self.connection, self.budget, self.author, self.wanted = connection, budget, author, wanted
        self.tenant = tenant
        self.since_s = time.monotonic()
        self.ended_by: str | None = None

    def reason_to_stop(self, now_s: float) -> str | None:
        took_s = now_s - self.since_s
        why = self.budget.reason_to_stop(took_s)
        if why is not None or self.author is QueryAuthor.OURS:
            return why
        patience_s = REPEAT_YIELD_S if now_s < _yielding_until_s.get(self.tenant, 0.0) else YIELD_S
        if took_s > patience_s and self.wanted():
            _yielding_until_s[self.tenant] = now_s + REPEAT_WINDOW_S
            return "other processes wait for the catalog: narrow the request, or try again"
        return None


_yielding_until_s: dict[str, float] = {}  # until when a tenant's queries give way soon


class _QueryWatcher:
    """Watches all running queries of a process, in one thread that lives while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: set[_RunningQuery] = set()
        self._thread: threading.Thread | None = None

    def add(self, question: _RunningQuery) -> None:
        with self._lock:
            self._asked.add(question)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="budget", daemon=True)
                self._thread.start()

    def remove(self, question: _RunningQuery) -> None:
        with self._lock:  # afterwards its connection may run another query
            self._asked.discard(question)

    def _run(self) -> None:
        idle = 0
        while idle < 100:
            time.sleep(POLL_S)
            now_s = time.monotonic()
            with self._lock:
                idle = 0 if self._asked else idle + 1
                for query in self._asked:
                    why = query.reason_to_stop(now_s)
                    if why is not None:
                        query.ended_by = query.ended_by or why
                        query.connection.interrupt()  # repeatedly: it may have begun another query
                if idle >= 100:
                    self._thread = None


_WATCHERS: dict[int, _QueryWatcher] = {}  # by pid: a fork has none of its parent's threads


@contextmanager
def within_budget(
    connection: duckdb.DuckDBPyConnection,
    author: QueryAuthor,
    wanted: Callable[[], bool],
    tenant: str,
) -> Generator[None]:
    """Run the queries of the block within the budget of this context, if there is one.

    Raises:
        AnswerTimeout: time is over, the caller has left, or others wait too long.
        CatalogUnavailable: the file could not be read.
    """
    budget = _budget.get()
    question = None if budget is None else _RunningQuery(connection, budget, author, wanted, tenant)
    watch = _WATCHERS.setdefault(os.getpid(), _QueryWatcher())
    if question is not None:
        watch.add(question)
    try:
        yield
    except duckdb.InterruptException as error:
        why = "it was interrupted" if question is None else question.ended_by
        raise AnswerTimeout(f"the query was stopped: {why}") from error
    except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
        unread = CatalogUnavailable(f"the catalog could not be read: {error}")
        raise disk_error(error) or unread from error
    finally:
        if question is not None:
            watch.remove(question)
