"""What every route needs: the gateway, and who asks of which tenant."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, ParamSpec, TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.types import Scope

from catalog.settings import Settings
from catalog.store import Catalog
from catalog.token import Role
from gateway.config import GatewayConfig
from gateway.cross_site import refuse_cross_site
from gateway.doors import Caller, Doors
from gateway.health import Draining
from gateway.links import Key
from gateway.metrics import Metrics
from gateway.tenants import Tenant, Tenants
from transfer.stop import StopFlag

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 64  # that wait for storages and for the catalog


class Gateway:
    """One gateway: its tenants, its doors, its counters."""

    def __init__(self, config: GatewayConfig, settings: Settings) -> None:
        """Make it; nothing is opened before it is needed."""
        self.config = config
        self.settings = settings
        self.catalog = Catalog.open(settings)
        self.catalog.keep_open()
        self.tenants = Tenants(config, settings, self.catalog)
        self.doors = Doors(
            self.catalog, {one: given.anonymous for one, given in config.tenants.items()}
        )
        self.metrics = Metrics(self.catalog)
        self.links = Key.beside(self.catalog.beside)
        self.draining = Draining()
        self.stop = StopFlag()
        self._threads: CapacityLimiter | None = None

    async def thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what waits for a storage or the catalog in a thread; it is never left running."""
        if self._threads is None:
            self._threads = CapacityLimiter(THREADS)
        done = functools.partial(call, *args, **kwargs)
        return await to_thread.run_sync(done, limiter=self._threads)

    async def surely(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in a thread what has to be done even where the request was cancelled."""
        done: list[T] = []  # for the types: a scope may swallow an error, this one never does
        with CancelScope(shield=True):
            done.append(await self.thread(call, *args, **kwargs))
        return done[0]

    async def caller(self, scope: Scope, tenant: str, need: Role) -> Caller:
        """Return who asks, or raise `Refused`."""
        headers = HTTPConnection(scope).headers
        if not self.doors.fresh():
            await self.thread(self.doors.known)
        host = headers.get("host", "")
        found = self.doors.caller(tenant, headers.get("authorization"), need, host=host)
        scope["entrepot.tenant"] = tenant
        scope["entrepot.caller"] = found.token_id
        return found

    def close(self) -> None:
        """Let go of everything."""
        self.stop.set()
        self.tenants.close()


@dataclass(frozen=True, slots=True)
class Context:
    """One request of a caller who may make it."""

    gateway: Gateway
    tenant: Tenant
    caller: Caller


def needs(role: Role) -> Callable[[Request, str], Awaitable[Context]]:
    """Return what lets those in who have a role in the tenant of the path."""

    async def context(request: Request, tenant: str) -> Context:
        gateway: Gateway = request.app.state.gateway
        refuse_cross_site(request.method, request.headers)
        caller = await gateway.caller(request.scope, tenant, role)
        return Context(gateway, gateway.tenants[tenant], caller)

    return context


Reader = Annotated[Context, Depends(needs(Role.READER))]
Writer = Annotated[Context, Depends(needs(Role.WRITER))]
Admin = Annotated[Context, Depends(needs(Role.ADMIN))]
