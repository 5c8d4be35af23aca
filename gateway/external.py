"""What a URL that somebody gave leads to: read by the same providers, and only where it is allowed.

A web address must be a public one, or begin as one of the tenant's `external` addresses; a folder
must lie below one of the tenant's roots; any other storage must hold one of its repositories.
"""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from gateway.places import WEB
from providers.base import Source
from providers.http import HttpSettings
from providers.http_socket import is_public
from providers.local import LocalSettings
from providers.registry import scheme_of
from providers.roots import below
from providers.url import folder_and_name, parse_url
from tasks.job import opened_source
from transfer.job import End


class External:
    """The places outside of the gateway that one tenant may name."""

    def __init__(
        self, allowed: Sequence[str], roots: Sequence[Path], repositories: Iterable[Repository]
    ) -> None:
        """Allow addresses that begin so, folders below `roots`, and what `repositories` hold."""
        self._allowed = tuple(allowed)
        self._roots = roots
        self._repositories = repositories

    def check(self, url: str) -> None:
        """Refuse a URL that this tenant may not name.

        Raises:
            InvalidInput: it is none, holds a password, or leads where nobody allowed.
        """
        scheme = scheme_of(url)
        if scheme is None:
            raise InvalidInput(f"{url!r} is not a URL: expected scheme://…")
        parse_url(url)
        if self._is_allowed(url):
            return
        if scheme in WEB:
            _check_public(url)
        elif scheme == "file":
            self._check_folder(url)
        elif self._holding(url) is None:
            raise InvalidInput(f"{url!r} lies in no repository of this tenant")

    @contextmanager
    def opened(self, url: str) -> Generator[tuple[End[Source], str]]:
        """Open what a URL leads to: its storage, and the path there."""
        self.check(url)
        holding = self._holding(url)
        if holding is not None:
            repository, path = holding
        else:
            place, path = folder_and_name(url)
            if not path:
                raise InvalidInput(f"{url!r} names no file")
            repository = resolved(place)
            storage = repository.storage
            if isinstance(storage, HttpSettings) and not self._is_allowed(url):
                # Names may lead elsewhere by now, and so may what they reply.
                held = storage.model_copy(update={"public_only": True})
                repository = repository.model_copy(update={"storage": held})
        with opened_source(repository) as end:
            yield end, path

    def _is_allowed(self, url: str) -> bool:
        return any(url == one or url.startswith(one.rstrip("/") + "/") for one in self._allowed)

    def _holding(self, url: str) -> tuple[Repository, str] | None:
        for repository in self._repositories:
            above = repository.address.rstrip("/") + "/"
            if url.startswith(above) and len(url) > len(above):
                return repository, url.removeprefix(above)
        return None

    def _check_folder(self, url: str) -> None:
        if not below(LocalSettings.from_url(url).path, self._roots):
            raise InvalidInput(f"{url!r} lies below none of the folders that are allowed here")


def _check_public(url: str) -> None:
    """Refuse an address inside of the gateway's own network."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, parts.port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise InvalidInput(f"the host of {url!r} is not known") from error
    for *_, address in found:
        if not is_public(str(address[0])):
            raise InvalidInput(f"{url!r} leads into the gateway's own network, and is not allowed")
