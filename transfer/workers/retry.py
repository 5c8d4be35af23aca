"""Decides whether and when to retry, in the same way for every storage.

>>> RetryPolicy(retries=0).delay_s(1, StorageBusy("slow down")) is None
True
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from catalog.errors import StorageBusy, StorageError
from transfer.workers.stop import StopFlag

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `retries` retries, with exponential back-off and jitter, between these bounds."""

    retries: int = 3
    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 60.0

    def delay_s(self, attempt: int, error: StorageError) -> float | None:
        """Return how long to wait after failed attempt number `attempt`, or None to give up.

        The storage's own Retry-After is honoured, at most `longest_s`.
        """
        if not error.retryable or attempt > self.retries:
            return None
        if isinstance(error, StorageBusy) and error.retry_after_s is not None:
            return min(error.retry_after_s, self.longest_s)
        bound = min(self.first_s * self.factor ** (attempt - 1), self.longest_s)
        return bound * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def call_with_retries(
    action: Callable[[], T], policy: RetryPolicy, stop: StopFlag
) -> tuple[T, int]:
    """Call `action` until it succeeds or the policy gives up; return its value and the attempts."""
    attempt = 1
    while True:
        stop.check()
        try:
            return action(), attempt
        except StorageError as error:
            delay = policy.delay_s(attempt, error)
            if delay is None:
                raise
        stop.wait(delay)
        attempt += 1
