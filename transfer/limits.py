"""Limits that all threads of the process share: connections, rates, bytes in flight."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from transfer.stop import StopFlag


@dataclass(frozen=True, slots=True)
class Limits:
    """What one repository allows at once; None is no limit."""

    connections: int = 64
    requests_per_s: float | None = None
    bytes_per_s: float | None = None


class Bucket:
    """Tokens at an even pace: `rate` a second, none saved up for a burst."""

    def __init__(self, rate: float) -> None:
        """Let the first token pass at once."""
        self._rate = rate
        self._free_at_s = time.monotonic()
        self._lock = threading.Lock()

    def delay_s(self, tokens: float) -> float:
        """Take `tokens` and return how long the taker must wait before it may use them."""
        with self._lock:
            now = time.monotonic()
            start = max(self._free_at_s, now)
            self._free_at_s = start + tokens / self._rate
            return max(0.0, start - now)


class Gate:
    """The entrance to one repository: hold it for each request."""

    def __init__(self, limits: Limits) -> None:
        """Admit as `limits` say."""
        self.limits = limits
        # A queue of C, not a semaphore of Python: this is taken for every file.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(limits.connections):
            self._slots.put(None)
        self._requests = Bucket(limits.requests_per_s) if limits.requests_per_s else None
        self._bytes = Bucket(limits.bytes_per_s) if limits.bytes_per_s else None

    def connection(self, stop: StopFlag) -> Passage:
        """Hold one of the repository's connections while the block lasts."""
        return Passage(self, stop)

    def enter(self, stop: StopFlag) -> None:
        """Take a connection, and wait for the request's turn where there is a rate."""
        while True:
            try:
                self._slots.get(timeout=0.5)
                break
            except Empty:
                stop.check()
        if self._requests is not None:
            try:
                stop.wait(self._requests.delay_s(1))
            except BaseException:
                self.leave()
                raise

    def enter_at_once(self) -> bool:
        """Take a connection if none need wait for it, and say so; never where there is a rate."""
        if self._requests is not None:
            return False
        try:
            self._slots.get_nowait()
        except Empty:
            return False
        return True

    def leave(self) -> None:
        """Give the connection back."""
        self._slots.put(None)

    def pass_bytes(self, count: int, stop: StopFlag) -> None:
        """Wait until `count` more bytes may pass."""
        if self._bytes is not None:
            delay = self._bytes.delay_s(count)
            if delay > 0:
                stop.wait(delay)


class Passage:
    """A connection that is held while a block lasts."""

    __slots__ = ("_gate", "_stop")

    def __init__(self, gate: Gate, stop: StopFlag) -> None:
        """Pass through `gate` when the block is entered."""
        self._gate = gate
        self._stop = stop

    def __enter__(self) -> None:
        """Take the connection."""
        self._gate.enter(self._stop)

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._gate.leave()


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
