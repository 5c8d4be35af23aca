"""The progress of a run, counted by all threads, and its course over time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counts at one moment: settled and failed items, bytes read, and the expected totals.

    `listed` is the number of files that the current listing has found so far.
    """

    files: int
    failed: int
    bytes: int
    elapsed_s: float
    wanted_files: int = 0
    wanted_bytes: int = 0
    listed: int = 0

    @property
    def share(self) -> float:
        """Return the completed share, from 0 to 1: the mean of files and of bytes, if any."""
        share = self.files / self.wanted_files if self.wanted_files else 1.0
        if self.wanted_bytes:
            share = (share + min(1.0, self.bytes / self.wanted_bytes)) / 2
        return share

    @property
    def left_s(self) -> float | None:
        """Return the estimated remaining seconds; None before anything is done.

        >>> Snapshot(1, 0, 0, 10.0, wanted_files=4).left_s
        30.0
        """
        share = self.share
        return self.elapsed_s * (1 - share) / share if share > 0 else None

    @property
    def rate(self) -> float:
        """Return the average bytes per second so far."""
        return self.bytes / self.elapsed_s if self.elapsed_s > 0 else 0.0


class Progress:
    """The counters of one run."""

    def __init__(self) -> None:
        """Start at zero, now."""
        self._lock = threading.Lock()
        self._files = 0
        self._failed = 0
        self._bytes = 0
        self._wanted = (0, 0)
        self._listed = 0
        self._began_s = time.monotonic()

    def set_listed(self, files: int) -> None:
        """Set how many files a listing has found so far."""
        self._listed = files

    def expect(self, files: int, size: int) -> None:
        """Set how many items, and bytes to read, come in addition to those already done.

        >>> progress = Progress()
        >>> progress.count_item(failed=False)  # a file that was checked before it is repaired
        >>> progress.expect(2, 0)
        >>> progress.snapshot().wanted_files
        3
        """
        with self._lock:
            self._wanted = (self._files + files, self._bytes + size)

    def count_item(self, *, failed: bool) -> None:
        """Count one item as done."""
        with self._lock:
            self._files += 1
            self._failed += failed

    def count_late_failure(self) -> None:
        """Count an item as failed that was already counted as done."""
        with self._lock:
            self._failed += 1

    def count_bytes(self, count: int) -> None:
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
            return Snapshot(
                self._files, self._failed, self._bytes, elapsed, *self._wanted, self._listed
            )


MAX_POINTS = 240  # for a run of a minute or of a day


class ProgressHistory:
    """Snapshots of a run, evenly thinned out when there are too many.

    >>> history = ProgressHistory(max_points=4)
    >>> for second in range(9):
    ...     history.add(Snapshot(second, 0, 0, float(second)))
    >>> [point.elapsed_s for point in history.points]
    [0.0, 4.0, 8.0]
    """

    def __init__(self, max_points: int = MAX_POINTS) -> None:
        """Begin without a point."""
        self._max_points = max_points
        self._every = 1  # one of this many snapshots is kept
        self._seen = 0
        self._kept: list[Snapshot] = []
        self._last: Snapshot | None = None

    def add(self, now: Snapshot) -> None:
        """Add a snapshot."""
        self._last = now
        if self._seen % self._every == 0:
            self._kept.append(now)
        self._seen += 1
        if len(self._kept) > self._max_points:
            self._kept = self._kept[::2]
            self._every *= 2

    @property
    def points(self) -> tuple[Snapshot, ...]:
        """Return the kept snapshots in order, and the last one in any case."""
        last = () if self._last is None or self._last in self._kept[-1:] else (self._last,)
        return (*self._kept, *last)
