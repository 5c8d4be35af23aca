"""Adapts the number of connections to a storage: halves it on 429 or 503, and grows it on success.

One such reply slows down all threads that use the storage in this process: none sends a request
before the pause is over, and fewer are sent at once from then on.

>>> limit = AdaptiveLimit(64)
>>> limit.record_busy(10.0, retry_after_s=2.0), limit.allowed, limit.pause_s(11.0)
(True, 32, 1.0)
"""

from __future__ import annotations

FIRST_PAUSE_S = 0.5  # of a pause, if the storage does not say how long
MAX_PAUSE_S = 60.0


class AdaptiveLimit:
    """Makes the decisions, without waiting or reading a clock; the caller holds a lock."""

    __slots__ = ("_most", "_paused_until_s", "_pauses_in_a_row", "_successes", "allowed")

    def __init__(self, most: int) -> None:
        """Allow `most` connections until the storage is too busy."""
        self._most = most
        self.allowed = most
        self._paused_until_s = 0.0
        self._pauses_in_a_row = 0  # pauses without a success between them
        self._successes = 0  # since the last growth

    @property
    def is_full(self) -> bool:
        """Say whether all connections are allowed."""
        return self.allowed == self._most

    def record_busy(self, now_s: float, retry_after_s: float | None) -> bool:
        """Record that the storage is too busy; say whether that began a new pause.

        Replies to requests that were sent before the pause do not.
        """
        if now_s < self._paused_until_s:
            if retry_after_s is not None:
                self._pause(now_s, retry_after_s)
            return False
        self.allowed = max(1, self.allowed // 2)
        backing_off_s = FIRST_PAUSE_S * 2**self._pauses_in_a_row
        self._pause(now_s, backing_off_s if retry_after_s is None else retry_after_s)
        self._pauses_in_a_row = min(self._pauses_in_a_row + 1, 10)
        self._successes = 0
        return True

    def record_success(self, now_s: float) -> bool:
        """Record a success; say whether one more connection is allowed now."""
        if now_s < self._paused_until_s:
            return False
        self._pauses_in_a_row = 0
        self._successes += 1
        if self.is_full or self._successes < self.allowed:
            return False
        self._successes = 0
        self.allowed += 1
        return True

    def pause_s(self, now_s: float) -> float:
        """Return how long no request may be sent."""
        return max(0.0, self._paused_until_s - now_s)

    def _pause(self, now_s: float, seconds: float) -> None:
        self._paused_until_s = max(self._paused_until_s, now_s + min(seconds, MAX_PAUSE_S))
