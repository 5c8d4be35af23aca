"""Limits that all threads of the process share: connections, rates, bytes in flight."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from transfer.stop import StopFlag


@dataclass(frozen=True, slots=True)
class Limits:
    """What one repository allows at once; None is no limit."""

    connections: int = 16
    requests_per_s: float | None = None
    bytes_per_s: float | None = None


class Bucket:
    """A token bucket: `rate` tokens a second, at most one second's worth saved up."""

    def __init__(self, rate: float) -> None:
        """Start full."""
        self._rate = rate
        self._free_at_s = time.monotonic()
        self._lock = threading.Lock()

    def delay_s(self, tokens: float) -> float:
        """Take `tokens` and return how long the taker must wait before it may use them."""
        with self._lock:
            now = time.monotonic()
            start = max(self._free_at_s, now - 1.0)
            self._free_at_s = start + tokens / self._rate
            return max(0.0, start - now)


class Gate:
    """The entrance to one repository: hold it for each request."""

    def __init__(self, limits: Limits) -> None:
        """Admit as `limits` say."""
        self.limits = limits
        self._slots = threading.BoundedSemaphore(limits.connections)
        self._requests = Bucket(limits.requests_per_s) if limits.requests_per_s else None
        self._bytes = Bucket(limits.bytes_per_s) if limits.bytes_per_s else None

    @contextmanager
    def connection(self, stop: StopFlag) -> Generator[None]:
        """Hold one of the repository's connections."""
        while not self._slots.acquire(timeout=0.5):
            stop.check()
        try:
            if self._requests is not None:
                stop.wait(self._requests.delay_s(1))
            yield
        finally:
            self._slots.release()

    def pass_bytes(self, count: int, stop: StopFlag) -> None:
        """Wait until `count` more bytes may pass."""
        if self._bytes is not None:
            delay = self._bytes.delay_s(count)
            if delay > 0:
                stop.wait(delay)


class ByteBudget:
    """Bytes held in memory by the whole process; an empty budget admits even what is too large."""

    def __init__(self, total: int) -> None:
        """Allow `total` bytes."""
        self.total = total
        self.held = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Take `count` bytes if there is room, and say whether there was."""
        with self._lock:
            if self.held and self.held + count > self.total:
                return False
            self.held += count
            return True

    def give_back(self, count: int) -> None:
        """Return `count` bytes."""
        with self._lock:
            self.held -= count


_gates: dict[tuple[str, Limits], Gate] = {}
_gates_lock = threading.Lock()


def gate(address: str, limits: Limits) -> Gate:
    """Return the process's one gate to the repository at `address`."""
    with _gates_lock:
        found = _gates.get((address, limits))
        if found is None:
            found = _gates[address, limits] = Gate(limits)
        return found
