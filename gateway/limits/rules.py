"""How much a request, a caller and all requests together may ask for: decisions alone, no I/O.

>>> rate = RateLimit(requests_per_s=2, burst=1, clock=lambda: 0.0)
>>> rate.take("ann"), rate.take("ann")
(0.0, 0.5)
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from catalog.errors import InvalidInput

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered, as its reply says it."""

    status: int
    kind: str
    message: str
    retry_after_s: float | None = None

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the reply: `Retry-After` in whole seconds, at least one."""
        if self.retry_after_s is None:
            return []
        return [(b"retry-after", b"%d" % max(1, math.ceil(self.retry_after_s)))]


@dataclass(frozen=True, slots=True)
class HeadLimit:
    """How large the headers of a request may be, and how many.

    The target counts with them: a query is as long as its client likes.
    """

    size: int = 32 * 2**10  # bytes
    count: int = 100

    def refusal(self, target: bytes, headers: Headers) -> Refusal | None:
        """Say why a head is too large; None where it is not."""
        pairs = list(headers)
        size = len(target) + sum(len(name) + len(value) for name, value in pairs)
        if size > self.size:
            why = f"the request's head has {size} bytes, {self.size} are allowed"
        elif len(pairs) > self.count:
            why = f"the request has {len(pairs)} headers, {self.count} are allowed"
        else:
            return None
        return Refusal(431, "HeadTooLarge", why)


class BodyLimit:
    """Counts one body; `limit` is in bytes, None is none."""

    __slots__ = ("_found", "_limit")

    def __init__(self, limit: int | None) -> None:
        """Begin with nothing counted."""
        self._limit, self._found = limit, 0

    def refusal(self, headers: Headers) -> Refusal | None:
        """Say why a body is too large by what the request declares; None where it is not."""
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and self._over(int(value)):
                return self.refused()
        return None

    def over(self, size: int) -> bool:
        """Count more bytes, and say whether these are too many."""
        self._found += size
        return self._over(self._found)

    def refused(self) -> Refusal:
        """Return what the reply says."""
        why = f"the request's body has more than the {self._limit} bytes that are allowed"
        return Refusal(413, "BodyTooLarge", why)

    def _over(self, size: int) -> bool:
        return self._limit is not None and size > self._limit


class RateLimit:
    """A token bucket a caller: `burst` requests at once, then `requests_per_s`.

    At most `callers` are remembered. One whose bucket is full again is forgotten, which changes
    nothing for it; above the bound the one is that was silent for longest.
    """

    __slots__ = ("_buckets", "_burst", "_callers", "_clock", "_rate")

    def __init__(
        self,
        requests_per_s: float,
        burst: int,
        *,
        callers: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with full buckets."""
        if requests_per_s <= 0 or burst < 1 or callers < 1:
            raise InvalidInput("a rate limit needs requests_per_s > 0, burst and callers >= 1")
        self._rate, self._burst, self._callers = requests_per_s, burst, callers
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # left, and when

    def __len__(self) -> int:
        """Return how many callers are remembered."""
        return len(self._buckets)

    def take(self, caller: str) -> float:
        """Let a request in and return 0, or return the seconds after which to try again."""
        now = self._clock()
        left, at = self._buckets.pop(caller, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._rate)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._rate
        self._buckets[caller] = (left if wait_s else left - 1, now)
        self._forget(now)
        return wait_s

    def refusal(self, caller: str) -> Refusal | None:
        """Count a request of a caller, and say why it is one too many; None where it is not."""
        wait_s = self.take(caller)
        if not wait_s:
            return None
        why = f"more than {self._rate:g} requests a second: try again in {wait_s:.3g} s"
        return Refusal(429, "TooManyRequests", why, wait_s)

    def _forget(self, now: float) -> None:
        full_after_s = self._burst / self._rate
        while self._buckets:
            caller, (_, at) = next(iter(self._buckets.items()))  # silent for longest
            if now - at < full_after_s and len(self._buckets) <= self._callers:
                return
            del self._buckets[caller]


class ConcurrencyLimit:
    """How many requests are answered at once."""

    __slots__ = ("_limit", "count")

    def __init__(self, limit: int) -> None:
        """Begin with none."""
        if limit < 1:
            raise InvalidInput(f"at least one request has to be answered at a time, not {limit}")
        self._limit, self.count = limit, 0

    def enter(self) -> Refusal | None:
        """Count a request that begins, or say why it cannot; one that began has to `leave`."""
        if self.count >= self._limit:
            why = f"{self._limit} requests are under way already; try again later"
            return Refusal(503, "Overloaded", why, 1.0)
        self.count += 1
        return None

    def leave(self) -> None:
        """Count a request that ended."""
        self.count -= 1
