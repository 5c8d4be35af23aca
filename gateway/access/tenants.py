"""The tenants of a gateway: each has its own catalog rows, repositories and credentials."""

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
from gateway.http.errors import RequestRefused
from gateway.resource_store.store import ResourceStore

STORED_FOR_S = 30.0  # how long a loaded block is cached


@dataclass(frozen=True, slots=True)
class ServedRepository:
    """A repository with the name it is served under."""

    name: str
    repository: Repository
    config: ServedConfig
    upstream: Repository | None = None

    @property
    def address(self) -> str:
        """Return the repository's address."""
        return self.repository.address


class Tenant:
    """One tenant; thread-safe. Repositories are loaded on demand."""

    def __init__(
        self,
        name: str,
        config: TenantConfig,
        settings: Settings,
        catalog: Catalog,
        *,
        alone: bool,
    ) -> None:
        """Create it; `alone`: it is the gateway's only tenant."""
        self.name = name
        self.config = config
        self.catalog = catalog.for_tenant(name)
        self._roots = config.local_roots or tuple(settings.local_roots)
        self.storages = TenantStorages(
            self._readable_repositories,
            self._roots,
            ambient=_unconfigured_access(config, alone=alone),
            listed=config.external,
        )
        self._served: dict[str, tuple[float, ServedRepository]] = {}
        self._home: Repository | None = None  # of the resources
        self._store: ResourceStore | None = None
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of the served repositories."""
        if self.config.repositories is not None:
            return sorted(self.config.repositories)
        return sorted(repository.name for repository in usable_repositories() if repository.name)

    def cached_served(self, name: str) -> ServedRepository | None:
        """Return a served repository if it is cached."""
        with self._lock:
            until, found = self._served.get(name, (0.0, None))
        return found if until > time.monotonic() else None

    def served(self, name: str) -> ServedRepository:
        """Return a served repository; raise `RepositoryNotFound` if there is none."""
        known = self.cached_served(name)
        if known is not None:
            return known
        found = self._look_up(name)
        with self._lock:
            self._served[name] = (time.monotonic() + STORED_FOR_S, found)
        return found

    def store(self) -> ResourceStore:
        """Return the store of the tenant's resources."""
        with self._lock:
            if self._store is None:
                self._home = self._resource_repository()
                self._store = ResourceStore(self.catalog, self._home, self.name)
            return self._store

    def external_urls(self, readable: frozenset[str] | None = None) -> ExternalUrls:
        """Return the external URLs that the tenant may use.

        `readable` are the repositories that the caller may read; None for all of them, and also
        the configured folders, sources, and the storage of uploads.
        """
        if readable is None:
            return ExternalUrls(self.config.external, self._roots, self._readable_repositories())
        shown = (name for name in self.names() if name in readable)
        own = (found.repository for found in map(self.served_or_none, shown) if found is not None)
        return ExternalUrls(self.config.external, (), own)

    def served_or_none(self, name: str) -> ServedRepository | None:
        """Return a served repository; None if it is missing or invalid."""
        try:
            return self.served(name)
        except (RepositoryNotFound, InvalidInput):
            return None

    def close(self) -> None:
        """Close all storages."""
        self.storages.close()
        if self._store is not None:
            self._store.close()

    def _resource_repository(self) -> Repository:
        place = self.config.resources
        if place is None:
            return _with_versioned_layout(resolved(self.catalog.folder / "resources" / self.name))
        return _with_versioned_layout(self.storages.check(resolved(place)))

    def _look_up(self, name: str) -> ServedRepository:
        if self.config.repositories is None:
            return ServedRepository(name, resolved(name), ServedConfig(repository=name))
        config = self.config.repositories.get(name)
        if config is None:
            raise RepositoryNotFound(f"the tenant {self.name!r} has no repository {name!r}")
        repository = self.storages.check(resolved(config.repository))
        upstream = None if config.upstream is None else resolved(config.upstream)
        return ServedRepository(name, repository, config, upstream)

    def _readable_repositories(self) -> Iterator[Repository]:
        """Yield every repository that the tenant may read, with its mirrors and alternates."""
        for name in self.names():
            served = self.served(name)
            yield served.repository
            yield from _alternative_sources(served.repository)
            if served.upstream is not None:
                yield served.upstream
                yield from _alternative_sources(served.upstream)
        for place in self.config.sources.values():
            source = resolved(place)
            yield source
            yield from _alternative_sources(source)
        self.store()
        if self._home is not None:
            yield self._home


def _unconfigured_access(config: TenantConfig, *, alone: bool) -> UnconfiguredAccess:
    if not alone:
        return UnconfiguredAccess.NOTHING
    return (
        UnconfiguredAccess.EVERYTHING if config.repositories is None else UnconfiguredAccess.FOLDERS
    )


def _alternative_sources(repository: Repository) -> Iterator[Repository]:
    """Yield the mirrors and alternates of a repository."""
    for other in (*repository.mirrors, *repository.alternates):
        yield resolved(other)


def _with_versioned_layout(repository: Repository) -> Repository:
    """Return the repository with the layout of resources."""
    return repository.model_copy(update={"layout": Layout.VERSIONED})


class Tenants:
    """All tenants of a gateway."""

    def __init__(self, config: GatewayConfig, settings: Settings, catalog: Catalog) -> None:
        """Create them; all share the open `catalog`."""
        alone = len(config.tenants) == 1
        self._every = {
            name: Tenant(name, one, settings, catalog, alone=alone)
            for name, one in config.tenants.items()
        }

    def __iter__(self) -> Iterator[Tenant]:
        """Yield each tenant."""
        return iter(self._every.values())

    def __getitem__(self, name: str) -> Tenant:
        """Return a tenant; raise `RequestRefused` (404) if there is none."""
        found = self._every.get(name)
        if found is None:
            raise RequestRefused(404, f"there is no tenant {name!r}", kind="TenantNotFound")
        return found

    def close(self) -> None:
        """Close all storages."""
        for one in self:
            one.close()
