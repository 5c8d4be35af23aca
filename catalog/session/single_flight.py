"""One thread of a process folds at a time; the others wait for it, and find what was answered.

Each of them would else ask for the turnstile again and again, and look through the inbox each time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from catalog.errors import CatalogTimeout
from catalog.orders.transaction import Result


class SingleFlight:
    """Who folds, of the threads of a process; what came of their orders is kept for the others."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._locks: dict[int, threading.Lock] = {}  # by process: a fork has none of its parent's
        self._results: dict[str, Result | None] = {}  # of those who wait for one now

    @contextmanager
    def exclusive(self, timeout_s: float) -> Generator[None]:
        """Be the one, while the block lasts.

        Raises:
            CatalogTimeout: others were it for too long.
        """
        lock = self._locks.setdefault(os.getpid(), threading.Lock())
        if not lock.acquire(timeout=timeout_s):
            raise CatalogTimeout(f"the catalog was not free within {timeout_s:g} s")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def awaiting(self, batch: str) -> Generator[None]:
        """Wait for the answer to an order, while the block lasts."""
        self._results[batch] = None
        try:
            yield
        finally:
            del self._results[batch]

    def store_results(self, results: Mapping[str, Result]) -> None:
        """Keep what orders were answered, for whoever waits for it."""
        for batch, result in results.items():
            if batch in self._results:
                self._results[batch] = result

    def result(self, batch: str) -> Result | None:
        """Return what an order was answered; None where another process folded it."""
        return self._results[batch]
