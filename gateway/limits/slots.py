"""Slots: how many requests of a tenant ask the catalog at a time, so that the others are served.

The rest of a tenant's requests wait, in the order they came, without a thread: whoever asks for
much is slow for itself alone. What waits for a storage, another server or Prefect has slots of its
own, and so many threads: `Threads`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TypeVar

from anyio import CapacityLimiter, Semaphore, SemaphoreStatistics, fail_after, to_thread

from catalog.store.query_budget import caller_has_left
from gateway.http.errors import Refused

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])
OUTSIDE = 16  # requests of one tenant that wait for something outside at a time
THREADS = 32  # of one tenant, that read and write its storages
WAITING = 100  # requests of one tenant, beyond which one more is refused at once
_SLOTLESS: set[object] = set()


def default_slots() -> int:
    """Return how many requests of a tenant ask at a time: half of the cores, and at least one."""
    return max(1, (os.cpu_count() or 1) // 2)


def without_slot(endpoint: Endpoint) -> Endpoint:
    """Mark a route that takes no slot at the catalog: it waits for something outside."""
    _SLOTLESS.add(endpoint)
    return endpoint


def takes_slot(endpoint: object) -> bool:
    """Say whether a route takes a slot at the catalog."""
    return endpoint not in _SLOTLESS


_tenant: ContextVar[str | None] = ContextVar("tenant", default=None)


def set_tenant(tenant: str) -> None:
    """Say whose request this context is about from now on."""
    _tenant.set(tenant)


class Threads:
    """The threads of every tenant, and those that are of none: nobody waits for another's."""

    def __init__(self) -> None:
        """Begin with none: they belong to the loop that asks for them."""
        self._limiters: dict[str | None, CapacityLimiter] = {}

    def limiter(self) -> CapacityLimiter:
        """Return what bounds the threads of whoever this context is about."""
        tenant = _tenant.get()
        found = self._limiters.get(tenant)
        if found is None:
            found = self._limiters[tenant] = CapacityLimiter(THREADS)
        return found


class Slots:
    """The slots of every tenant; each has its own."""

    def __init__(self, count: int, wait_s: float) -> None:
        """Give each tenant `count` slots; nobody waits for one longer than `wait_s` seconds."""
        self._count, self._wait_s = count, wait_s
        self._semaphores: dict[str, Semaphore] = {}

    @asynccontextmanager
    async def slot(self, tenant: str) -> AsyncGenerator[None]:
        """Hold a slot of a tenant while the block lasts.

        Raises:
            Refused: 503, too many wait already, or for too long, or whoever asked has left.
        """
        semaphore = self._semaphore(tenant)
        if self.statistics(tenant).tasks_waiting >= WAITING:
            raise _busy(f"{WAITING} requests of this tenant wait already")
        try:
            with fail_after(self._wait_s):
                await semaphore.acquire()
        except TimeoutError as error:
            raise _busy(f"no slot was free for {self._wait_s:g} s") from error
        try:
            if caller_has_left():
                raise _busy("whoever asked has left")
            yield
        finally:
            semaphore.release()

    def statistics(self, tenant: str) -> SemaphoreStatistics:
        """Return how many of a tenant's requests wait for their slot."""
        return self._semaphore(tenant).statistics()

    def _semaphore(self, tenant: str) -> Semaphore:
        found = self._semaphores.get(tenant)
        if found is None:
            found = self._semaphores[tenant] = Semaphore(self._count)
        return found

    async def each(self, tenant: str, blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield what a long answer is made of; each block takes a slot of its own."""
        while True:
            async with self._semaphore(tenant):  # its head is sent: it is not refused any more
                block = await to_thread.run_sync(next, blocks, None)
            if block is None:
                return
            yield block


def _busy(why: str) -> Refused:
    return Refused(
        503,
        f"{why}: ask for less, or try again",
        kind="TenantBusy",
        headers={"Retry-After": "1"},
    )
