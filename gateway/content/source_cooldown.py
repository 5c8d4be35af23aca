"""Sources that sent wrong bytes of a file are not asked for it again for a while (PD-33).

>>> cooldown = SourceCooldown(300.0, clock=lambda: 0.0)
>>> cooldown.add("http://a", "x")
>>> cooldown.is_allowed("http://a", "x"), cooldown.is_allowed("http://a", "y")
(False, True)
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_ENTRIES = 100_000  # files remembered


class SourceCooldown:
    """Remembers which source sent wrong bytes of which file; safe to share between threads."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Pass a source over for so many seconds."""
        self._seconds, self._clock = seconds, clock
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, address: str, path: str) -> None:
        """Remember that a source sent wrong bytes."""
        with self._lock:
            self._until[address, path] = self._clock() + self._seconds
            self._until.move_to_end((address, path))
            while len(self._until) > MAX_ENTRIES:
                self._until.popitem(last=False)

    def is_allowed(self, address: str, path: str) -> bool:
        """Say whether a source may be asked for a file."""
        with self._lock:
            until = self._until.get((address, path))
            if until is None:
                return True
            if until > self._clock():
                return False
            del self._until[address, path]
            return True
