"""The open repositories of one tenant, found by address; nothing of another tenant's is opened.

Each stays open while the gateway lives. What is configured may be opened, with its credentials,
and what a web address says all by itself; any other address leads nowhere, whoever names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from blocks.history import history_of, numbers_of, opened_at
from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError, InvalidInput, RepositoryNotFound
from providers.base import Source
from providers.local import LocalSettings
from providers.registry import scheme_of
from providers.roots import within
from providers.signing import Sign, signer
from tasks.job import opened_source
from transfer.job import End

WEB = frozenset(("http", "https"))


class Places:
    """Opens what one tenant may read."""

    def __init__(
        self, configured: Callable[[], Iterable[Repository]], roots: Sequence[Path], *, closed: bool
    ) -> None:
        """Know what is `configured`; local folders lie below `roots`, where there are any.

        `closed` says that other tenants share this gateway: addresses that ambient credentials
        would open are then refused.
        """
        self._configured = configured
        self._roots = roots
        self._closed = closed
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
                found = self._stack.enter_context(opened_source(self.repository(address)))
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
        for repository in self._configured():
            for one in (repository, history_of(repository), numbers_of(repository)):
                if one.address == address:
                    return one
        if not self._closed or scheme_of(address) in WEB:
            try:
                return resolved(address)
            except CatalogError as error:
                raise RepositoryNotFound(f"nothing leads to {address!r}") from error
        raise RepositoryNotFound(f"nothing of this tenant's leads to {address!r}")
