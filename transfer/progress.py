"""What a run has done so far, counted by every thread and read by the one that reports."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counts at one moment: items settled and failed, bytes read."""

    files: int
    failed: int
    bytes: int
    elapsed_s: float


class Progress:
    """Counters of one run."""

    def __init__(self) -> None:
        """Start at nothing, now."""
        self._lock = threading.Lock()
        self._files = 0
        self._failed = 0
        self._bytes = 0
        self._began_s = time.monotonic()

    def settled(self, *, failed: bool) -> None:
        """Count one item as done."""
        with self._lock:
            self._files += 1
            self._failed += failed

    def found_failed(self) -> None:
        """Count an item as failed that was counted as done before."""
        with self._lock:
            self._failed += 1

    def moved(self, count: int) -> None:
        """Count bytes as read."""
        with self._lock:
            self._bytes += count

    @property
    def failed(self) -> int:
        """Return how many items failed."""
        return self._failed

    def snapshot(self) -> Snapshot:
        """Return the counts of this moment."""
        with self._lock:
            elapsed = time.monotonic() - self._began_s
            return Snapshot(self._files, self._failed, self._bytes, elapsed)
