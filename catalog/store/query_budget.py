"""How long a question to the catalog may take: until its time is over, or whoever asked has left.

    with allowed(Budget(seconds=10)) as budget:
        catalog.resources.page(...)      # raises `AnswerTimeout` after ten seconds
        budget.leave()                   # from any thread: ends the question at once

Without a budget a question takes as long as it takes: flows wait for their answers.
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

POLL_S = 0.02  # between two looks at the questions that are asked
YIELD_S = 0.3  # after which a question of somebody's own making gives way to whoever waits
REPEAT_YIELD_S = 0.02  # the same, of a tenant whose queries had to give way a moment ago
REPEAT_WINDOW_S = 30.0


class Interruptible(Protocol):
    """A connection whose query another thread may end."""

    def interrupt(self) -> None:
        """End the query that runs, if one does."""
        ...


class QueryAuthor(Enum):
    """Who wrote a question: ours are known to be short; a caller's may be anything."""

    OURS = "ours"
    CALLERS = "caller's"


class Budget:
    """What one request may spend; safe to share between threads."""

    __slots__ = ("_left", "seconds")

    def __init__(self, seconds: float) -> None:
        """Allow each question so many seconds."""
        self.seconds = seconds
        self._left = threading.Event()

    def leave(self) -> None:
        """Say that nobody waits for the answer any more."""
        self._left.set()

    @property
    def left(self) -> bool:
        """Say whether whoever asked has gone."""
        return self._left.is_set()

    def reason_to_stop(self, took_s: float) -> str | None:
        """Return why a question that took so long has to end, if it has to."""
        if self.left:
            return "whoever asked has left"
        if took_s > self.seconds:
            return f"it took longer than {self.seconds:g} s: ask for less"
        return None


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def query_budget(budget: Budget) -> Generator[Budget]:
    """Let the questions of this context, and of threads that inherit it, spend a budget."""
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


def caller_has_left() -> bool:
    """Say whether nobody waits for what this context is about any more."""
    budget = _budget.get()
    return budget is not None and budget.left


def time_limit() -> Callable[[], None]:
    """Return what ends, when it is called, a question that is made of many, begun now.

    Raises:
        AnswerTimeout: time is over, or whoever asked has left.
    """
    budget, began_s = _budget.get(), time.monotonic()

    def check() -> None:
        why = None if budget is None else budget.reason_to_stop(time.monotonic() - began_s)
        if why is not None:
            raise AnswerTimeout(f"the catalog did not answer: {why}")

    return check


class _RunningQuery:
    """One question that is asked now."""

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
            return "others wait for the catalog: ask for less, or try again"
        return None


_yielding_until_s: dict[str, float] = {}  # until when a tenant's questions give way at once


class _QueryWatcher:
    """Looks after all questions of a process, in one thread that lives while there are any."""

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
        with self._lock:  # from here on its connection is somebody else's
            self._asked.discard(question)

    def _run(self) -> None:
        idle = 0
        while idle < 100:
            time.sleep(POLL_S)
            now_s = time.monotonic()
            with self._lock:
                idle = 0 if self._asked else idle + 1
                for one in self._asked:
                    why = one.reason_to_stop(now_s)
                    if why is not None:
                        one.ended_by = one.ended_by or why
                        one.connection.interrupt()  # again, if it began another query meanwhile
                if idle >= 100:
                    self._thread = None


_WATCHERS: dict[int, _QueryWatcher] = {}  # by process: a fork has none of its parent's threads


@contextmanager
def within_budget(
    connection: duckdb.DuckDBPyConnection,
    author: QueryAuthor,
    wanted: Callable[[], bool],
    tenant: str,
) -> Generator[None]:
    """Ask on a connection within the budget of this context, if there is one.

    Raises:
        AnswerTimeout: time is over, whoever asked has left, or others wait for too long.
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
        raise AnswerTimeout(f"the catalog did not answer: {why}") from error
    except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
        unread = CatalogUnavailable(f"the catalog could not be read: {error}")
        raise disk_error(error) or unread from error
    finally:
        if question is not None:
            watch.remove(question)
