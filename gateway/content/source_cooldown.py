"""Sources that sent corrupt content of a file are not used for it for a while (PD-33).

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

MAX_ENTRIES = 100_000


class SourceCooldown:
    """Remembers which source sent corrupt content of which file; thread-safe."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Set for how many seconds a source is not used."""
        self._seconds, self._clock = seconds, clock
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, address: str, path: str) -> None:
        """Remember that a source sent corrupt content."""
        with self._lock:
            self._until[address, path] = self._clock() + self._seconds
            self._until.move_to_end((address, path))
            while len(self._until) > MAX_ENTRIES:
                self._until.popitem(last=False)

    def is_allowed(self, address: str, path: str) -> bool:
        """Return whether a source may be used for a file."""
        with self._lock:
            until = self._until.get((address, path))
            if until is None:
                return True
            if until > self._clock():
                return False
            del self._until[address, path]
            return True
