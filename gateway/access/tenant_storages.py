"""The open repositories of one tenant by address; those of other tenants are never opened.

Each stays open as long as the gateway runs. Configured repositories are opened with their
credentials, and web addresses without; any other address is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from urllib.parse import urljoin

from blocks.repository import Repository
from blocks.reserved_folders import history_folder, numbered_folder, opened_at, subfolder
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError, InvalidInput, RepositoryNotFound
from providers.base import Source
from providers.http.base_settings import WebSettings
from providers.http.egress_policy import EgressPolicy
from providers.http.settings import HttpSettings
from providers.local.settings import LocalSettings
from providers.registry import scheme_of
from providers.shared.address import WEB, Address
from providers.shared.allowed_roots import within
from providers.signed_links import Sign, signer
from providers.webdav.settings import WebdavSettings
from tasks.job import open_source
from transfer.batch.endpoints import Endpoint

__all__ = ["WEB", "TenantStorages", "UnconfiguredAccess", "restrict"]


class UnconfiguredAccess(Enum):
    """Which unconfigured addresses may be opened, in addition to public web addresses."""

    NOTHING = "nothing"  # several tenants
    FOLDERS = "folders"  # one tenant with configured repositories
    EVERYTHING = "everything"  # one tenant with every stored block


class TenantStorages:
    """Opens the repositories that one tenant may read."""

    def __init__(
        self,
        configured: Callable[[], Iterable[Repository]],
        roots: Sequence[Path],
        *,
        ambient: UnconfiguredAccess,
        listed: Sequence[str] = (),
    ) -> None:
        """Allow `configured` repositories; local folders must be below `roots`, if any.

        `ambient` are the unconfigured addresses that may be opened with the machine's own access;
        `listed` are addresses that may be private.
        """
        self._configured = configured
        self._roots = roots
        self._ambient, self._listed = ambient, tuple(listed)
        self._ends: dict[str, Endpoint[Source]] = {}
        self._signers: dict[str, Sign | None] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def end(self, address: str) -> Endpoint[Source]:
        """Return the open repository at an address.

        Raises:
            RepositoryNotFound: the tenant has no repository with this address.
        """
        found = self._ends.get(address)
        if found is not None:
            return found
        with self._lock:
            found = self._ends.get(address)
            if found is None:
                found = self._stack.enter_context(open_source(self.repository(address)))
                self._ends[address] = found
            return found

    def repository(self, address: str) -> Repository:
        """Return the tenant's repository with an address."""
        return self.check(self._find_repository(address))

    def signer(self, address: str) -> Sign | None:
        """Return a function that signs links to files at an address; None if it cannot."""
        with self._lock:
            if address not in self._signers:
                self._signers[address] = signer(opened_at(self.repository(address)))
            return self._signers[address]

    def check(self, repository: Repository) -> Repository:
        """Return the repository; refuse a folder outside of the tenant's roots."""
        settings = repository.settings
        folder = settings.path if isinstance(settings, LocalSettings) else None
        if folder is not None and self._roots and not within(folder, self._roots):
            raise InvalidInput("a folder of this tenant is outside of its local_roots")
        return repository

    def close(self) -> None:
        """Close everything."""
        self._stack.close()

    def _find_repository(self, address: str) -> Repository:
        configured = list(self._configured())
        for repository in configured:
            for one in (repository, history_folder(repository), numbered_folder(repository)):
                if one.address == address:
                    return restrict(one, self._listed)
        inside = _find_inside(configured, address)
        if inside is not None:
            return restrict(inside, self._listed)
        if self._is_allowed_unconfigured(scheme_of(address)):
            try:
                return restrict(resolved(address), self._listed)
            except CatalogError as error:
                raise RepositoryNotFound(f"there is no repository at {address!r}") from error
        raise RepositoryNotFound(
            f"this tenant has no repository at {address!r}: add it to its `sources`"
        )

    def _is_allowed_unconfigured(self, scheme: str | None) -> bool:
        """Return whether an unconfigured address may be opened, without credentials."""
        if scheme in WEB or self._ambient is UnconfiguredAccess.EVERYTHING:
            return True
        return scheme == "file" and self._ambient is UnconfiguredAccess.FOLDERS


def restrict(repository: Repository, listed: Sequence[str]) -> Repository:
    """Restrict a repository's requests to itself, listed addresses, and public addresses.

    Its credentials are sent only to addresses below its own.
    """
    storage = repository.storage
    if not isinstance(storage, WebSettings):
        return repository
    url = str(getattr(storage, storage.root_field))
    if isinstance(storage, HttpSettings | WebdavSettings):
        policy = EgressPolicy.parse(listed, url)
    else:  # an API may list files anywhere on its own server
        policy = EgressPolicy.parse((*listed, urljoin(url, "/")))
    return repository.model_copy(update={"storage": storage.restricted(policy)})


def _find_inside(configured: Iterable[Repository], address: str) -> Repository | None:
    """Return the location inside a configured repository, with its credentials."""
    try:
        wanted = Address.parse(address)
    except CatalogError:
        return None
    found: list[tuple[int, Repository]] = []
    for repository in configured:
        place = Address.parse(repository.address)
        path = wanted.below(place)
        if path:
            found.append((len(place.segments), subfolder(repository, path)))
    inner = max(found, key=lambda one: one[0])[1] if found else None
    return inner if inner is not None and inner.address == address else None
