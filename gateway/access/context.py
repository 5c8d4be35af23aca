"""The context of every route: the gateway, the tenant and the caller."""

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
    """The state of a gateway: tenants, authentication, metrics."""

    def __init__(self, config: GatewayConfig, settings: Settings, *, local: bool = True) -> None:
        """Create it; nothing is opened before `start`.

        Args:
            config: The configuration.
            settings: Settings, with the catalog's location.
            local: Whether only this machine can reach it, without a proxy.
        """
        self.config = config
        self.settings = settings
        self.catalog = Catalog.open(settings)
        self.catalog.keep_open()
        self.tenants = Tenants(config, settings, self.catalog)
        self.authenticator = Authenticator(
            self.catalog,
            {one: given.anonymous for one, given in config.tenants.items()},
            config.operators,
        )
        self.metrics = Metrics(self.catalog)
        self.links = LinkKeys(self.catalog.folder)
        limits = config.limits
        self.slots = Slots(limits.questions or default_slots(), limits.question_s)
        self.external_slots = Slots(OUTSIDE, limits.question_s)
        self._local = local
        self.draining = Draining()
        self.stop = StopFlag()
        self._threads = Threads()

    def start(self) -> None:
        """Pin the catalog, and decide who has access: once, before the first request.

        Raises:
            InvalidInput: the catalog of an earlier gateway is gone.
            CatalogUnavailable: the catalog cannot be read.
        """
        beside, file = self.catalog.folder, self.catalog.path
        if LinkKey.exists(beside) and not file.exists():
            raise InvalidInput(
                f"the catalog {str(file)!r}, which a gateway has used before, is missing: restore "
                f"it, or remove the folder {str(beside)!r} to start with a new one"
            )
        self.catalog.pin()
        self.authenticator.set_openness(local=self._local)
        try:
            self.links.load_or_create()  # now, so that later starts know that a gateway has run
        except OSError as error:
            if disk_error(error) is None:
                raise
            LOG.warning("the gateway is read-only: %s", disk_error(error))

    async def run_in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call in one of the threads of the request's tenant, and wait for it."""
        done = functools.partial(call, *args, **kwargs)
        return await to_thread.run_sync(done, limiter=self._threads.limiter())

    async def run_shielded(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call in a thread that must complete even if the request is cancelled."""
        done: list[T] = []  # for the types: a scope may suppress an error, but this one never does
        with CancelScope(shield=True):
            done.append(await self.run_in_thread(call, *args, **kwargs))
        return done[0]

    async def authenticate(self, scope: Scope, tenant: str) -> Caller:
        """Return the caller, or raise `Refused`; the grants are still to be checked."""
        given = HTTPConnection(scope).headers.get("authorization")
        if not self.authenticator.is_fresh():
            await self.run_in_thread(self.authenticator.known_tokens)
        found = self.authenticator.authenticate(tenant, given, peer=Peer.of(scope))
        scope["entrepot.access"] = Access.ANYBODY if found.anonymous else Access.TOKEN
        scope["entrepot.tenant"] = tenant
        set_tenant(tenant)
        scope["entrepot.caller"] = found.token_id
        return found

    def close(self) -> None:
        """Close everything."""
        self.stop.set()
        self.tenants.close()


@dataclass(frozen=True, slots=True)
class Context:
    """The context of an authorized request."""

    gateway: Gateway
    tenant: Tenant
    caller: Caller

    def check(self, need: Role, thing: Thing) -> None:
        """Require a role for another thing of the request."""
        self.caller.check(need, thing)

    def paced(self, blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the blocks of a long response; each takes a slot of the tenant."""
        return self.gateway.slots.throttle(self.tenant.name, blocks)

    def external_urls(self) -> ExternalUrls:
        """Return the URLs that the caller may use.

        A caller who may write only parts of a tenant may use only what it, or everyone, may read.
        """
        if self.caller.may(Role.WRITER, OfTenant()):
            return self.tenant.external_urls()
        own = self.caller.repositories(Role.READER)
        return self.tenant.external_urls(frozenset(self.tenant.names()) if own is None else own)
