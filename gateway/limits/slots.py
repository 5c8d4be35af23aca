"""Slots limit how many requests of a tenant query the catalog at once.

Further requests wait in order, without a thread, so that a busy tenant only slows down itself.
Requests that wait for a storage, another server or Prefect have their own slots, and threads:
`Threads`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TypeVar

from anyio import CapacityLimiter, Semaphore, SemaphoreStatistics, fail_after, to_thread

from catalog.store.query_budget import caller_has_left
from gateway.http.errors import RequestRefused

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])
OUTSIDE = 16  # concurrent requests of one tenant that wait for other servers
THREADS = 32  # of one tenant, for its storages
WAITING = 100  # waiting requests of one tenant; more are refused immediately
_SLOTLESS: set[object] = set()


def default_slots() -> int:
    """Return the default number of slots: half of the cores, at least one."""
    return max(1, (os.cpu_count() or 1) // 2)


def without_slot(endpoint: Endpoint) -> Endpoint:
    """Mark a route that takes no catalog slot, because it waits for other servers."""
    _SLOTLESS.add(endpoint)
    return endpoint


def takes_slot(endpoint: object) -> bool:
    """Return whether a route takes a catalog slot."""
    return endpoint not in _SLOTLESS


_tenant: ContextVar[str | None] = ContextVar("tenant", default=None)


def set_tenant(tenant: str) -> None:
    """Set the tenant of this context's request."""
    _tenant.set(tenant)


class Threads:
    """The thread limits of every tenant, and of requests without one."""

    def __init__(self) -> None:
        """Start empty: limiters belong to the event loop that first uses them."""
        self._limiters: dict[str | None, CapacityLimiter] = {}

    def limiter(self) -> CapacityLimiter:
        """Return the thread limiter of the context's tenant."""
        tenant = _tenant.get()
        found = self._limiters.get(tenant)
        if found is None:
            found = self._limiters[tenant] = CapacityLimiter(THREADS)
        return found


class Slots:
    """The slots of every tenant."""

    def __init__(self, count: int, wait_s: float) -> None:
        """Give each tenant `count` slots; requests wait for one at most `wait_s` seconds."""
        self._count, self._wait_s = count, wait_s
        self._semaphores: dict[str, Semaphore] = {}

    @asynccontextmanager
    async def slot(self, tenant: str) -> AsyncGenerator[None]:
        """Hold a slot of a tenant during the block.

        Raises:
            Refused: 503, too many requests wait, or too long, or the client disconnected.
        """
        semaphore = self._semaphore(tenant)
        if self.statistics(tenant).tasks_waiting >= WAITING:
            raise _busy(f"{WAITING} requests of this tenant are already waiting")
        try:
            with fail_after(self._wait_s):
                await semaphore.acquire()
        except TimeoutError as error:
            raise _busy(f"no slot was free for {self._wait_s:g} s") from error
        try:
            if caller_has_left():
                raise _busy("the client disconnected")
            yield
        finally:
            semaphore.release()

    def statistics(self, tenant: str) -> SemaphoreStatistics:
        """Return the statistics of a tenant's slots."""
        return self._semaphore(tenant).statistics()

    def _semaphore(self, tenant: str) -> Semaphore:
        found = self._semaphores.get(tenant)
        if found is None:
            found = self._semaphores[tenant] = Semaphore(self._count)
        return found

    async def throttle(self, tenant: str, blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the blocks of a long response; each takes a slot."""
        while True:
            async with self._semaphore(tenant):  # its head is sent, so that it cannot be refused
                block = await to_thread.run_sync(next, blocks, None)
            if block is None:
                return
            yield block


def _busy(why: str) -> RequestRefused:
    return RequestRefused(
        503,
        f"{why}: send fewer requests, or try again",
        kind="TenantBusy",
        headers={"Retry-After": "1"},
    )
