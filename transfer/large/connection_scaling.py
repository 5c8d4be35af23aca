"""Decides how many connections one file gets, from measured throughput; pure, without I/O.

A connection is slow if the process waits for it while idle; a second one may help then. Each
increase is on trial until the next sample: it stays only if it raised the rate.

>>> slow = ThroughputSample(rate=4e6, waiting=0.95, busy=0.05, left=2**30)
>>> ConnectionScaling().next_step(slow)
ConnectionScaling(connections=2, most=8, before=4000000.0, settled=False)
>>> ConnectionScaling().next_step(slow).next_step(slow)
ConnectionScaling(connections=1, most=8, before=None, settled=True)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_CONNECTIONS = 8  # connections a file
MIN_GAIN = 1.3  # the rate must grow by this factor for an increase to stay
SLOW_WAITING = 0.5  # share of time spent waiting for bytes, from which a connection is slow
MAX_BUSY = 0.45  # of one core; above it, more connections would wait for the process
MIN_LEFT = 3 * 8 * 2**20  # bytes; with less left to fetch, another connection is not worth it


@dataclass(frozen=True, slots=True)
class ThroughputSample:
    """Measurements of one file since the last sample."""

    rate: float
    """Bytes per second through all its connections."""
    waiting: float
    """Share of the time that its reader waited for bytes."""
    busy: float
    """Cores used by the process."""
    left: int
    """Bytes that are not being fetched yet."""


@dataclass(frozen=True, slots=True)
class ConnectionScaling:
    """How many connections a file has, and whether that is final."""

    connections: int = 1
    most: int = MAX_CONNECTIONS
    before: float | None = None
    """The rate before the last increase, in bytes per second, while it is on trial."""
    settled: bool = False

    def next_step(self, sample: ThroughputSample) -> ConnectionScaling:
        """Return the next step: twice as many connections, the same, or one step back."""
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
        """Go back one step, finally: the increase did not help, or the storage was too busy."""
        return ConnectionScaling(max(1, self.connections // 2), self.most, settled=True)


SINGLE_CONNECTION = ConnectionScaling(most=1, settled=True)
"""Always one connection."""
