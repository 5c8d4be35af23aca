"""Limits shared by all threads of the process: connections, rates, bytes in memory."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from catalog.errors import StorageBusy
from transfer.workers.adaptive_limit import AdaptiveLimit
from transfer.workers.stop import StopFlag
from transfer.workers.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one repository; None for no limit."""

    connections: int = 64
    requests_per_s: float | Timetable | None = None
    bytes_per_s: float | Timetable | None = None


class TokenBucket:
    """A token bucket without burst: `rate` tokens per second, evenly."""

    def __init__(self, rate: float | Timetable) -> None:
        """Grant the first token at once."""
        self._rate = rate
        self._free_at_s = time.monotonic()
        self._lock = threading.Lock()

    def delay_s(self, tokens: float) -> float:
        """Take `tokens` and return how long the caller must wait before using them."""
        rate = self.rate()
        with self._lock:
            now = time.monotonic()
            if rate is None:
                self._free_at_s = now
                return 0.0
            start = max(self._free_at_s, now)
            self._free_at_s = start + tokens / rate
            return max(0.0, start - now)

    def rate(self) -> float | None:
        """Return the current rate."""
        return self._rate.now() if isinstance(self._rate, Timetable) else self._rate

    def consume(self, tokens: int, stop: StopFlag) -> None:
        """Take `tokens` and wait for them, one second's worth at a time: the rate may change."""
        while tokens > 0:
            rate = self.rate()
            some = tokens if rate is None else min(tokens, max(1, int(rate)))
            delay_s = self.delay_s(some)
            if delay_s > 0:
                stop.wait(delay_s)
            tokens -= some


class RequestLimiter:
    """Limits the requests to one repository: enter it for each request."""

    def __init__(self, limits: Limits) -> None:
        """Admit requests within `limits`, and fewer while the storage is too busy."""
        self.limits = limits
        # A queue in C, not a semaphore in Python: it is used for every file.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(limits.connections):
            self._slots.put(None)
        self._requests = TokenBucket(limits.requests_per_s) if limits.requests_per_s else None
        self._bytes = TokenBucket(limits.bytes_per_s) if limits.bytes_per_s else None
        self._adaptive = AdaptiveLimit(limits.connections)
        self._slot_count = limits.connections  # free or held
        self._limited = False  # by the adaptive limit; checked without the lock
        self._lock = threading.Lock()

    def connection(self, stop: StopFlag) -> HeldConnection:
        """Return a context manager that holds one of the repository's connections."""
        return HeldConnection(self, stop)

    def enter(self, stop: StopFlag) -> None:
        """Take a connection, and wait for the rate limit or a pause, if any."""
        while True:
            try:
                self._slots.get(timeout=0.5)
            except Empty:
                stop.check()
                continue
            pause_s = self._pause_s()
            if not pause_s:
                break
            self.leave()
            stop.wait(pause_s)
        if self._requests is not None:
            try:
                stop.wait(self._requests.delay_s(1))
            except BaseException:
                self.leave()
                raise

    def try_enter(self) -> bool:
        """Take a connection without waiting, and say whether it worked; never with a rate limit."""
        if self._requests is not None or self._limited:
            return False
        try:
            self._slots.get_nowait()
        except Empty:
            return False
        return True

    def leave(self) -> None:
        """Return the connection; it is dropped if fewer are allowed by now."""
        if self._limited:
            with self._lock:
                if self._slot_count > self._adaptive.allowed:
                    self._slot_count -= 1
                    return
        self._slots.put(None)

    def record_result(self, error: BaseException | None) -> None:
        """Record how a request ended: "too busy" slows all of them down."""
        if not isinstance(error, StorageBusy):
            if error is None and self._limited:
                self._allow_more()
            return
        with self._lock:
            self._limited = True
            self._adaptive.record_busy(time.monotonic(), error.retry_after_s)
            while self._slot_count > self._adaptive.allowed and not self._slots.empty():
                try:
                    self._slots.get_nowait()
                except Empty:
                    break
                self._slot_count -= 1

    def _allow_more(self) -> None:
        with self._lock:
            self._adaptive.record_success(time.monotonic())
            missing = self._adaptive.allowed - self._slot_count
            self._slot_count += max(0, missing)
            self._limited = not self._adaptive.is_full
        for _ in range(missing):
            self._slots.put(None)

    def _pause_s(self) -> float:
        if not self._limited:
            return 0.0
        with self._lock:
            return self._adaptive.pause_s(time.monotonic())

    def throttle(self, count: int, stop: StopFlag) -> None:
        """Wait until `count` more bytes are within the rate limit."""
        if self._bytes is not None:
            self._bytes.consume(count, stop)


class HeldConnection:
    """A connection that is held while the block lasts."""

    __slots__ = ("_limiter", "_stop")

    def __init__(self, limiter: RequestLimiter, stop: StopFlag) -> None:
        """Enter `limiter` when the block begins."""
        self._limiter = limiter
        self._stop = stop

    def __enter__(self) -> None:
        """Take the connection."""
        self._limiter.enter(self._stop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        """Record the result and return the connection."""
        self._limiter.record_result(error)
        self._limiter.leave()


class MemoryBudget:
    """Bytes in memory, for the whole process; if none are held, any size is admitted.

    Staying bytes (a batch's files until they are uploaded) leave a quarter to passing ones
    (streams). One stream is always admitted: it ends by itself, so there are no deadlocks.
    """

    def __init__(self, total: int) -> None:
        """Allow `total` bytes."""
        self.total = total
        self.held = 0
        self._passing = 0
        self._lock = threading.Lock()

    def take(self, count: int, *, staying: bool = False) -> bool:
        """Take `count` bytes if they fit, and say whether they did."""
        total = self.total - self.total // 4 if staying else self.total
        with self._lock:
            if self.held and self.held + count > total:
                return False
            self.held += count
            return True

    def release(self, count: int) -> None:
        """Return `count` bytes."""
        with self._lock:
            self.held -= count

    def take_passing(self, count: int) -> bool:
        """Take `count` bytes for a stream, if they fit or it is the only stream."""
        with self._lock:
            if self._passing and self.held + count > self.total:
                return False
            self._passing += count
            self.held += count
            return True

    def release_passing(self, count: int) -> None:
        """Return the bytes that `take_passing` took."""
        with self._lock:
            self._passing -= count
            self.held -= count


_limiters: dict[tuple[str, Limits], RequestLimiter] = {}
_gates_lock = threading.Lock()


def limiter_for(address: str, limits: Limits) -> RequestLimiter:
    """Return the process-wide limiter of the repository at `address`."""
    with _gates_lock:
        limiter = _limiters.get((address, limits))
        if limiter is None:
            limiter = _limiters[address, limits] = RequestLimiter(limits)
        return limiter
