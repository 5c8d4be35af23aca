"""Limits for single requests, callers, and all requests together, without I/O.

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
    """Why a request is refused, with its response."""

    status: int
    kind: str
    message: str
    retry_after_s: float | None = None

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the response headers: `Retry-After` in whole seconds, at least one."""
        if self.retry_after_s is None:
            return []
        return [(b"retry-after", b"%d" % max(1, math.ceil(self.retry_after_s)))]


@dataclass(frozen=True, slots=True)
class HeadLimit:
    """How large the head of a request may be, including its target, and how many headers it has."""

    size: int = 32 * 2**10  # bytes
    count: int = 100

    def refusal(self, target: bytes, headers: Headers) -> Refusal | None:
        """Return the refusal of a head that is too large; None if it is not."""
        pairs = list(headers)
        size = len(target) + sum(len(name) + len(value) for name, value in pairs)
        if size > self.size:
            why = f"the request head has {size:,} bytes, and {self.size:,} are allowed"
        elif len(pairs) > self.count:
            why = f"the request has {len(pairs):,} headers, and {self.count:,} are allowed"
        else:
            return None
        return Refusal(431, "HeadTooLarge", why)


class BodyLimit:
    """Counts the bytes of one body; `limit` None is unlimited."""

    __slots__ = ("_found", "_limit")

    def __init__(self, limit: int | None) -> None:
        """Start counting."""
        self._limit, self._found = limit, 0

    def refusal(self, headers: Headers) -> Refusal | None:
        """Return the refusal of a body whose declared size is too large; None if it is not."""
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and self._over(int(value)):
                return self.refused()
        return None

    def over(self, size: int) -> bool:
        """Count more bytes, and return whether the body is too large."""
        self._found += size
        return self._over(self._found)

    def refused(self) -> Refusal:
        """Return the refusal."""
        why = f"the request body is larger than the {self._limit or 0:,} bytes that are allowed"
        return Refusal(413, "BodyTooLarge", why)

    def _over(self, size: int) -> bool:
        return self._limit is not None and size > self._limit


class RateLimit:
    """A token bucket per caller: `burst` requests at once, then `requests_per_s`.

    At most `callers` buckets are kept. Full ones are dropped, which makes no difference; above the
    limit, the least recently used.
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
        """Start with full buckets."""
        if requests_per_s <= 0 or burst < 1 or callers < 1:
            raise InvalidInput("a rate limit needs requests_per_s > 0, burst and callers >= 1")
        self._rate, self._burst, self._callers = requests_per_s, burst, callers
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # left, and when

    def __len__(self) -> int:
        """Return the number of buckets."""
        return len(self._buckets)

    def take(self, caller: str) -> float:
        """Allow a request and return 0, or return the seconds to wait before retrying."""
        now = self._clock()
        left, at = self._buckets.pop(caller, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._rate)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._rate
        self._buckets[caller] = (left if wait_s else left - 1, now)
        self._forget(now)
        return wait_s

    def refusal(self, caller: str) -> Refusal | None:
        """Count a request, and return its refusal if it is over the limit."""
        wait_s = self.take(caller)
        if not wait_s:
            return None
        why = f"more than {self._rate:g} requests per second: try again in {wait_s:.3g} s"
        return Refusal(429, "TooManyRequests", why, wait_s)

    def _forget(self, now: float) -> None:
        full_after_s = self._burst / self._rate
        while self._buckets:
            caller, (_, at) = next(iter(self._buckets.items()))  # least recently used
            if now - at < full_after_s and len(self._buckets) <= self._callers:
                return
            del self._buckets[caller]


class ConcurrencyLimit:
    """How many requests are handled at once."""

    __slots__ = ("_limit", "count")

    def __init__(self, limit: int) -> None:
        """Start with none."""
        if limit < 1:
            raise InvalidInput(f"the limit of concurrent requests must be at least 1, not {limit}")
        self._limit, self.count = limit, 0

    def enter(self) -> Refusal | None:
        """Count a request and return None, or return its refusal; call `leave` at its end."""
        if self.count >= self._limit:
            why = f"{self._limit:,} requests are already being handled: try again later"
            return Refusal(503, "Overloaded", why, 1.0)
        self.count += 1
        return None

    def leave(self) -> None:
        """Count the end of a request."""
        self.count -= 1
