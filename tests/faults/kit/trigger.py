"""When a fault strikes: after so many bytes of a connection, so often."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.kit.fault_kinds import Direction, Fault, Often


@dataclass(frozen=True, slots=True)
class Trigger:
    """A fault, where it strikes in a stream, and how often."""

    fault: Fault
    direction: Direction = Direction.DOWN
    often: Often = Often.ONCE
    after: int = 0
    """Bytes of a connection, counted from when it was armed, that go through before."""


@dataclass(slots=True)
class Armed:
    """A strike that lies in wait; safe to share between threads."""

    strike: Trigger
    over: threading.Event = field(default_factory=threading.Event)
    """Set when it is called off: what stalls ends then."""
    struck: int = 0
    _passed: Counter[int] = field(default_factory=Counter[int])
    _due: dict[int, int] = field(default_factory=dict[int, int])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self, link: int, direction: Direction, count: int) -> int | None:
        """Return where in the next `count` bytes of a connection it strikes, if it does.

        >>> armed = Armed(Trigger(Fault.FLIP, after=5))
        >>> armed.place(1, Direction.UP, 9), armed.place(1, Direction.DOWN, 4)
        (None, None)
        >>> armed.place(1, Direction.DOWN, 4), armed.place(2, Direction.DOWN, 99)
        (1, None)
        """
        strike = self.strike
        if direction is not strike.direction or not count:
            return None
        with self._lock:
            before = self._passed[link]
            self._passed[link] += count
            due = self._due.get(link, strike.after)
            if before + count <= due or (self.struck and strike.often is Often.ONCE):
                return None
            self.struck += 1
            self._due[link] = before + count + strike.after
            return max(0, due - before)

    def request(self) -> bool:
        """Say whether the next request is struck, and count it."""
        with self._lock:
            if self.struck and self.strike.often is Often.ONCE:
                return False
            self.struck += 1
            return True
