"""When one file deserves more connections: decided from what was seen, without any server.

A connection that is waited for while the process has nothing else to do is slow, and a second
one may help. Each growth is on trial until the next look: it stays only if it raised the rate.

>>> slow = ThroughputSample(rate=4e6, waiting=0.95, busy=0.05, left=2**30)
>>> ConnectionScaling().next_step(slow)
ConnectionScaling(connections=2, most=8, before=4000000.0, settled=False)
>>> ConnectionScaling().next_step(slow).next_step(slow)
ConnectionScaling(connections=1, most=8, before=None, settled=True)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_CONNECTIONS = 8  # connections a file
MIN_GAIN = 1.3  # times the rate before a growth: less is not worth its connections
SLOW_WAITING = 0.5  # share of the time spent waiting for bytes, from which the connection is slow
MAX_BUSY = 0.45  # of one core, from which more connections would wait for the process
MIN_LEFT = 3 * 8 * 2**20  # bytes left to fetch, below which no connection is worth opening


@dataclass(frozen=True, slots=True)
class ThroughputSample:
    """What was seen of one file since the last look."""

    rate: float
    """Bytes a second that came through all its connections."""
    waiting: float
    """Share of the time in which its reader waited for bytes."""
    busy: float
    """Cores that the process used."""
    left: int
    """Bytes that nobody has begun to fetch."""


@dataclass(frozen=True, slots=True)
class ConnectionScaling:
    """How many connections a file has, and whether that is the last word."""

    connections: int = 1
    most: int = MAX_CONNECTIONS
    before: float | None = None
    """The rate before the last growth, in bytes a second, while that growth is on trial."""
    settled: bool = False

    def next_step(self, sample: ThroughputSample) -> ConnectionScaling:
        """Return the next step: twice as many, as many, or back to where it last paid."""
        if self.settled:
            return self
        if self.before is not None and sample.rate < MIN_GAIN * self.before:
            return self.step_back()
        if 2 * self.connections > self.most:
            return replace(self, before=None, settled=True)
        if sample.waiting < SLOW_WAITING or sample.busy > MAX_BUSY or sample.left < MIN_LEFT:
            return replace(self, before=None)
        return replace(self, connections=2 * self.connections, before=sample.rate)

    def step_back(self) -> ConnectionScaling:
        """Go back one step, and stay: the growth did not pay, or the storage was too busy."""
        return ConnectionScaling(max(1, self.connections // 2), self.most, settled=True)


SINGLE_CONNECTION = ConnectionScaling(most=1, settled=True)
"""One connection and no more."""
