"""What every route needs: the gateway, and who asks of which tenant."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from anyio import CancelScope, to_thread
from starlette.requests import HTTPConnection
from starlette.types import Scope

from catalog.access.grants import OfTenant, Role, Thing
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.settings import Settings
from catalog.store.disk_errors import disk_error
from gateway.access.authentication import Authenticator, Caller
from gateway.access.external_urls import ExternalUrls
from gateway.access.peer import Peer
from gateway.access.signed_links import LinkKey, LinkKeys
from gateway.access.tenants import Tenant, Tenants
from gateway.config import GatewayConfig
from gateway.http.response_headers import Access
from gateway.limits.slots import OUTSIDE, Slots, Threads, default_slots, set_tenant
from gateway.ops.health import Draining
from gateway.ops.metrics import Metrics
from transfer.workers.stop import StopFlag

LOG = logging.getLogger("entrepot.gateway")
P = ParamSpec("P")
T = TypeVar("T")


class Gateway:
    """One gateway: its tenants, its doors, its counters."""

    def __init__(self, config: GatewayConfig, settings: Settings, *, local: bool = True) -> None:
        """Make it; nothing is opened before `start`.

        Args:
            config: What is served to whom.
            settings: Where the catalog is.
            local: Whether only this machine reaches it, and nobody passes requests on.
        """
        self.config = config
        self.settings = settings
        self.catalog = Catalog.open(settings)
        self.catalog.keep_open()
        self.tenants = Tenants(config, settings, self.catalog)
        self.doors = Authenticator(
            self.catalog,
            {one: given.anonymous for one, given in config.tenants.items()},
            config.operators,
        )
        self.metrics = Metrics(self.catalog)
        self.links = LinkKeys(self.catalog.folder)
        limits = config.limits
        self.slots = Slots(limits.questions or default_slots(), limits.question_s)
        self.outside = Slots(OUTSIDE, limits.question_s)
        self._local = local
        self.draining = Draining()
        self.stop = StopFlag()
        self._threads = Threads()

    def start(self) -> None:
        """Settle on the catalog, and decide who may ask: once, before the first request.

        Raises:
            InvalidInput: the catalog of an earlier gateway is gone.
            CatalogUnavailable: it cannot be read.
        """
        beside, file = self.catalog.folder, self.catalog.path
        if LinkKey.made(beside) and not file.exists():
            raise InvalidInput(
                f"the catalog {str(file)!r} is gone, and a gateway has run with it: bring it back, "
                f"or remove the folder {str(beside)!r} to begin anew"
            )
        self.catalog.pin()
        self.doors.decide(local=self._local)
        try:
            self.links.made()  # now, so that whoever starts next knows that one has run
        except OSError as error:
            if disk_error(error) is None:
                raise
            LOG.warning("the gateway can only read: %s", disk_error(error))

    async def thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what waits for a storage or the catalog in a thread; it is never left running.

        It is one of those that the tenant of the request has.
        """
        done = functools.partial(call, *args, **kwargs)
        return await to_thread.run_sync(done, limiter=self._threads.limiter())

    async def surely(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in a thread what has to be done even where the request was cancelled."""
        done: list[T] = []  # for the types: a scope may swallow an error, this one never does
        with CancelScope(shield=True):
            done.append(await self.thread(call, *args, **kwargs))
        return done[0]

    async def caller(self, scope: Scope, tenant: str) -> Caller:
        """Return who asks, or raise `Refused`; whoever calls it looks at what the grants allow."""
        given = HTTPConnection(scope).headers.get("authorization")
        if not self.doors.fresh():
            await self.thread(self.doors.known)
        found = self.doors.caller(tenant, given, peer=Peer.of(scope))
        scope["entrepot.access"] = Access.ANYBODY if found.anybody else Access.TOKEN
        scope["entrepot.tenant"] = tenant
        set_tenant(tenant)
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

    def check(self, need: Role, thing: Thing) -> None:
        """Refuse to go on where the caller may not do this with another thing of the request."""
        self.caller.check(need, thing)

    def pace(self, blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield a long answer; each block takes a slot of the tenant's."""
        return self.gateway.slots.each(self.tenant.name, blocks)

    def external(self) -> ExternalUrls:
        """Return what of the outside the caller may name.

        Who writes parts of a tenant alone gets nothing in that may not be read with the token, or
        by anybody.
        """
        if self.caller.may(Role.WRITER, OfTenant()):
            return self.tenant.external()
        own = self.caller.repositories(Role.READER)
        return self.tenant.external(frozenset(self.tenant.names()) if own is None else own)
