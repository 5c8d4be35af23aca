"""A clock that only waiting moves: rates are the same on a busy machine."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from transfer.workers import limits
from transfer.workers.stop import StopFlag


class Clock(StopFlag):
    """Also the stop flag by which the engine waits: nobody really does."""

    __slots__ = ("_lock", "_seen", "now_s")

    def __init__(self) -> None:
        """Begin at zero."""
        super().__init__()
        self.now_s = 0.0
        self._lock = threading.Lock()
        self._seen = threading.local()

    def monotonic(self) -> float:
        """Return the time, and remember when this thread looked."""
        with self._lock:
            self._seen.now_s = self.now_s
            return self.now_s

    def wait(self, seconds: float) -> None:
        """Let the time be so much later than this thread last saw."""
        self.check()
        with self._lock:
            self.now_s = max(self.now_s, getattr(self._seen, "now_s", self.now_s) + seconds)

    @classmethod
    def of_limits(cls, monkeypatch: pytest.MonkeyPatch) -> Clock:
        """Put a new clock in place of that of the limits."""
        clock = cls()
        monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=clock.monotonic))
        return clock
