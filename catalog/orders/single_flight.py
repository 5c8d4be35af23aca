"""One thread of a process applies orders at a time; the others wait, and find their results.

Otherwise each thread would queue for the catalog lock and scan the inbox.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from catalog.errors import CatalogTimeout
from catalog.orders.transaction import Result


class SingleFlight:
    """Lets one thread of a process apply orders, and keeps the results for the others."""

    def __init__(self) -> None:
        """Begin unlocked."""
        self._locks: dict[int, threading.Lock] = {}  # by pid: a fork must not inherit a held lock
        self._results: dict[str, Result | None] = {}  # of orders that a thread waits for

    @contextmanager
    def exclusive(self, timeout_s: float) -> Generator[None]:
        """Hold the lock while the block lasts.

        Raises:
            CatalogTimeout: other threads held it for too long.
        """
        lock = self._locks.setdefault(os.getpid(), threading.Lock())
        if not lock.acquire(timeout=timeout_s):
            raise CatalogTimeout(f"the catalog stayed locked for {timeout_s:g} s: try again")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def awaiting(self, batch: str) -> Generator[None]:
        """Keep the result of an order while the block lasts."""
        self._results[batch] = None
        try:
            yield
        finally:
            del self._results[batch]

    def store_results(self, results: Mapping[str, Result]) -> None:
        """Keep the results that a thread waits for."""
        for batch, result in results.items():
            if batch in self._results:
                self._results[batch] = result

    def result(self, batch: str) -> Result | None:
        """Return the result of an order; None if another process applied it."""
        return self._results[batch]
