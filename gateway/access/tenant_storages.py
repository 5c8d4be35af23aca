"""The open repositories of one tenant, found by address; nothing of another tenant's is opened.

Each stays open while the gateway lives. What is configured may be opened, with its credentials,
and what a web address says all by itself; any other address leads nowhere, whoever names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from urllib.parse import urljoin

from blocks.history import area_of, history_of, numbers_of, opened_at
from blocks.repository import Repository
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
from transfer.batch.endpoints import End

__all__ = ["WEB", "TenantStorages", "UnconfiguredAccess", "fenced"]


class UnconfiguredAccess(Enum):
    """What of an address that nobody configured may be opened, beside public web addresses."""

    NOTHING = "nothing"  # tenants share the gateway
    FOLDERS = "folders"  # a file says what is served
    EVERYTHING = "everything"  # one person's own gateway: no file, every stored block


class TenantStorages:
    """Opens what one tenant may read."""

    def __init__(
        self,
        configured: Callable[[], Iterable[Repository]],
        roots: Sequence[Path],
        *,
        ambient: UnconfiguredAccess,
        listed: Sequence[str] = (),
    ) -> None:
        """Know what is `configured`; local folders lie below `roots`, where there are any.

        `ambient` says what may be opened that is not configured, with what this machine itself
        may read; `listed` are addresses that may be private.
        """
        self._configured = configured
        self._roots = roots
        self._ambient, self._listed = ambient, tuple(listed)
        self._ends: dict[str, End[Source]] = {}
        self._signers: dict[str, Sign | None] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def end(self, address: str) -> End[Source]:
        """Return the open repository at an address.

        Raises:
            RepositoryNotFound: nothing of this tenant's leads to it.
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
        """Return the repository that an address of this tenant's leads to."""
        return self.check(self._led_to(address))

    def signer(self, address: str) -> Sign | None:
        """Return what signs links to the files at an address, where its store can."""
        with self._lock:
            if address not in self._signers:
                self._signers[address] = signer(opened_at(self.repository(address)))
            return self._signers[address]

    def check(self, repository: Repository) -> Repository:
        """Return a repository that this tenant may use, or refuse a folder outside of its roots."""
        settings = repository.settings
        folder = settings.path if isinstance(settings, LocalSettings) else None
        if folder is not None and self._roots and not within(folder, self._roots):
            raise InvalidInput("a folder of this tenant's lies outside of its local_roots")
        return repository

    def close(self) -> None:
        """Let go of everything that is open."""
        self._stack.close()

    def _led_to(self, address: str) -> Repository:
        configured = list(self._configured())
        for repository in configured:
            for one in (repository, history_of(repository), numbers_of(repository)):
                if one.address == address:
                    return fenced(one, self._listed)
        inside = _inside(configured, address)
        if inside is not None:
            return fenced(inside, self._listed)
        if self._may_be_anybodys(scheme_of(address)):
            try:
                return fenced(resolved(address), self._listed)
            except CatalogError as error:
                raise RepositoryNotFound(f"nothing leads to {address!r}") from error
        raise RepositoryNotFound(
            f"nothing of this tenant's leads to {address!r}: name it in its `sources`"
        )

    def _may_be_anybodys(self, scheme: str | None) -> bool:
        """Say whether an address that nobody configured may be opened, without credentials."""
        if scheme in WEB or self._ambient is UnconfiguredAccess.EVERYTHING:
            return True
        return scheme == "file" and self._ambient is UnconfiguredAccess.FOLDERS


def fenced(repository: Repository, listed: Sequence[str]) -> Repository:
    """Return a repository that leads nowhere but to itself, to what is listed, and to the public.

    Its credentials are for what lies below it, and for nothing else of its server.
    """
    storage = repository.storage
    if not isinstance(storage, WebSettings):
        return repository
    url = str(getattr(storage, storage.root_field))
    if isinstance(storage, HttpSettings | WebdavSettings):
        fence = EgressPolicy.parse(listed, url)
    else:  # an interface tells where its files are: anywhere on its own server
        fence = EgressPolicy.parse((*listed, urljoin(url, "/")))
    return repository.model_copy(update={"storage": storage.restricted(fence)})


def _inside(configured: Iterable[Repository], address: str) -> Repository | None:
    """Return the place at an address inside of a configured storage, with its credentials."""
    try:
        wanted = Address.parse(address)
    except CatalogError:
        return None
    found: list[tuple[int, Repository]] = []
    for repository in configured:
        place = Address.parse(repository.address)
        path = wanted.below(place)
        if path:
            found.append((len(place.segments), area_of(repository, path)))
    inner = max(found, key=lambda one: one[0])[1] if found else None
    return inner if inner is not None and inner.address == address else None
