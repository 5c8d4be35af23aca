"""Sources that sent wrong bytes of a file are not asked for it again for a while (PD-33).

>>> cooling = SourceCooldown(300.0, clock=lambda: 0.0)
>>> cooling.wrong("http://a", "x")
>>> cooling.is_asked("http://a", "x"), cooling.is_asked("http://a", "y")
(False, True)
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 100_000  # files remembered


class SourceCooldown:
    """Remembers which source sent wrong bytes of which file; safe to share between threads."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Pass a source over for so many seconds."""
        self._seconds, self._clock = seconds, clock
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def wrong(self, address: str, path: str) -> None:
        """Remember that a source sent wrong bytes."""
        with self._lock:
            self._until[address, path] = self._clock() + self._seconds
            self._until.move_to_end((address, path))
            while len(self._until) > MOST:
                self._until.popitem(last=False)

    def is_asked(self, address: str, path: str) -> bool:
        """Say whether a source may be asked for a file."""
        with self._lock:
            until = self._until.get((address, path))
            if until is None:
                return True
            if until > self._clock():
                return False
            del self._until[address, path]
            return True
