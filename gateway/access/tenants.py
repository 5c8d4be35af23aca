"""The tenants of a gateway: each has its own rows of the catalog, its storages and credentials."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from blocks.repository import Layout, Repository
from blocks.resolve import repository as resolved
from blocks.stored_repositories import usable_repositories
from catalog.catalog import Catalog
from catalog.errors import InvalidInput, RepositoryNotFound
from catalog.settings import Settings
from gateway.access.external_urls import ExternalUrls
from gateway.access.tenant_storages import TenantStorages, UnconfiguredAccess
from gateway.config import GatewayConfig, ServedConfig, TenantConfig
from gateway.http.errors import Refused
from gateway.resource_store.store import ResourceStore

STORED_FOR_S = 30.0  # for so long a block is taken to be what it was


@dataclass(frozen=True, slots=True)
class ServedRepository:
    """One repository under the name by which it is served."""

    name: str
    repository: Repository
    config: ServedConfig
    upstream: Repository | None = None

    @property
    def address(self) -> str:
        """Return the repository's address."""
        return self.repository.address


class Tenant:
    """One tenant; safe to share between threads. Nothing is looked up before it is needed."""

    def __init__(
        self,
        name: str,
        config: TenantConfig,
        settings: Settings,
        catalog: Catalog,
        *,
        alone: bool,
    ) -> None:
        """Know what is configured; `alone` says that it is the gateway's only tenant."""
        self.name = name
        self.config = config
        self.catalog = catalog.for_tenant(name)
        self._roots = config.local_roots or tuple(settings.local_roots)
        self.places = TenantStorages(
            self._known,
            self._roots,
            ambient=_ambient(config, alone=alone),
            listed=config.external,
        )
        self._served: dict[str, tuple[float, ServedRepository]] = {}
        self._home: Repository | None = None  # where resources lie
        self._store: ResourceStore | None = None
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of the repositories that are served."""
        if self.config.repositories is not None:
            return sorted(self.config.repositories)
        return sorted(one.name for one in usable_repositories() if one.name)

    def known_served(self, name: str) -> ServedRepository | None:
        """Return a served repository that was looked up a moment ago."""
        with self._lock:
            until, found = self._served.get(name, (0.0, None))
        return found if until > time.monotonic() else None

    def served(self, name: str) -> ServedRepository:
        """Return a served repository; `RepositoryNotFound` where the tenant has none so named."""
        known = self.known_served(name)
        if known is not None:
            return known
        found = self._looked_up(name)
        with self._lock:
            self._served[name] = (time.monotonic() + STORED_FOR_S, found)
        return found

    def store(self) -> ResourceStore:
        """Return where the tenant's resources lie."""
        with self._lock:
            if self._store is None:
                self._home = self._shelf()
                self._store = ResourceStore(self.catalog, self._home, self.name)
            return self._store

    def external(self, readable: frozenset[str] | None = None) -> ExternalUrls:
        """Return what of the outside the tenant may name.

        `readable` are the repositories whose files whoever asks may read; None is every one, and
        with it all else that is configured: its folders, its sources, and where uploads lie.
        """
        if readable is None:
            return ExternalUrls(self.config.external, self._roots, self._known())
        shown = (name for name in self.names() if name in readable)
        own = (found.repository for found in map(self.usable, shown) if found is not None)
        return ExternalUrls(self.config.external, (), own)

    def usable(self, name: str) -> ServedRepository | None:
        """Return a served repository; None where it cannot be used."""
        try:
            return self.served(name)
        except (RepositoryNotFound, InvalidInput):
            return None

    def close(self) -> None:
        """Let go of every storage."""
        self.places.close()
        if self._store is not None:
            self._store.close()

    def _shelf(self) -> Repository:
        place = self.config.resources
        if place is None:
            return _versioned(resolved(self.catalog.folder / "resources" / self.name))
        return _versioned(self.places.check(resolved(place)))

    def _looked_up(self, name: str) -> ServedRepository:
        if self.config.repositories is None:
            return ServedRepository(name, resolved(name), ServedConfig(repository=name))
        config = self.config.repositories.get(name)
        if config is None:
            raise RepositoryNotFound(f"the tenant {self.name!r} has no repository {name!r}")
        repository = self.places.check(resolved(config.repository))
        upstream = None if config.upstream is None else resolved(config.upstream)
        return ServedRepository(name, repository, config, upstream)

    def _known(self) -> Iterator[Repository]:
        """Yield every repository that the tenant may read, and the other sources of each."""
        for name in self.names():
            served = self.served(name)
            yield served.repository
            yield from _others(served.repository)
            if served.upstream is not None:
                yield served.upstream
                yield from _others(served.upstream)
        for place in self.config.sources.values():
            source = resolved(place)
            yield source
            yield from _others(source)
        self.store()
        if self._home is not None:
            yield self._home


def _ambient(config: TenantConfig, *, alone: bool) -> UnconfiguredAccess:
    if not alone:
        return UnconfiguredAccess.NOTHING
    return (
        UnconfiguredAccess.EVERYTHING if config.repositories is None else UnconfiguredAccess.FOLDERS
    )


def _others(repository: Repository) -> Iterator[Repository]:
    """Yield the other sources of a repository's files."""
    for other in (*repository.mirrors, *repository.alternates):
        yield resolved(other)


def _versioned(repository: Repository) -> Repository:
    """Return a repository whose files lie by number, as resources do."""
    return repository.model_copy(update={"layout": Layout.VERSIONED})


class Tenants:
    """Every tenant of a gateway."""

    def __init__(self, config: GatewayConfig, settings: Settings, catalog: Catalog) -> None:
        """Make them; all share what is open of `catalog`."""
        alone = len(config.tenants) == 1
        self._every = {
            name: Tenant(name, one, settings, catalog, alone=alone)
            for name, one in config.tenants.items()
        }

    def __iter__(self) -> Iterator[Tenant]:
        """Yield each."""
        return iter(self._every.values())

    def __getitem__(self, name: str) -> Tenant:
        """Return one; `Refused` (404) where there is none so named."""
        found = self._every.get(name)
        if found is None:
            raise Refused(404, f"there is no tenant {name!r}", kind="TenantNotFound")
        return found

    def close(self) -> None:
        """Let go of every storage."""
        for one in self:
            one.close()
