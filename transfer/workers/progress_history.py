"""The progress of a run over time, with few enough points to be drawn."""

from __future__ import annotations

from transfer.workers.progress import Snapshot

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
