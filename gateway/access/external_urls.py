"""What a URL that somebody gave leads to: read by the same providers, and only where it is allowed.

What lies inside a storage of the tenant's is opened with that storage's credentials. A web address
must else be a public one, or lie below one of the tenant's `external` addresses, and so must every
hop of a redirect; a folder must lie below one of the tenant's roots. Addresses are compared as
values (`providers.shared.address`), by this one decision, whatever asks.
"""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from blocks.repository import Repository
from catalog.errors import InvalidInput
from catalog.paths import check_path
from gateway.access.tenant_storages import WEB, fenced
from providers.base import Source
from providers.http.egress_policy import EgressPolicy
from providers.http.settings import HttpSettings
from providers.http.socket import is_public
from providers.local.settings import LocalSettings
from providers.registry import scheme_of
from providers.shared.address import Address
from providers.shared.allowed_roots import below
from providers.shared.url import redact_url
from tasks.job import open_source
from transfer.batch.endpoints import End


@dataclass(frozen=True, slots=True)
class ExternalFile:
    """Where a URL leads: a file of a storage that this tenant may read."""

    repository: Repository
    path: str


class ExternalUrls:
    """The places outside of the gateway that one tenant may name."""

    def __init__(
        self, allowed: Sequence[str], roots: Sequence[Path], repositories: Iterable[Repository]
    ) -> None:
        """Allow addresses that lie there, folders below `roots`, and what `repositories` hold."""
        self._listed = tuple(allowed)
        self._allowed = tuple(Address.parse(one) for one in allowed)
        self._roots = roots
        self._repositories = repositories

    def check(self, url: str) -> None:
        """Refuse a URL that this tenant may not name.

        Raises:
            InvalidInput: it is none, holds a password, or leads where nobody allowed.
        """
        self._led(url)

    @contextmanager
    def opened(self, url: str) -> Generator[tuple[End[Source], str]]:
        """Open what a URL leads to: its storage, and the path there."""
        led = self._led(url)
        with open_source(led.repository) as end:
            yield end, led.path

    def _led(self, url: str) -> ExternalFile:
        """Decide where a URL leads, and whether it may."""
        scheme = scheme_of(url)
        if scheme is None:
            raise InvalidInput(f"{url!r} is not a URL: expected scheme://…")
        address = Address.parse(url)
        if not address.name:
            raise InvalidInput(f"{redact_url(url)!r} names no file")
        held = self._held(address)
        if held is not None:
            return held
        if scheme in WEB:
            return self._web(url, address)
        if scheme == "file":
            return self._file(url, address)
        raise InvalidInput(f"{redact_url(url)!r} lies in no repository of this tenant")

    def _held(self, address: Address) -> ExternalFile | None:
        """Return the storage of this tenant that an address lies in, the innermost."""
        found: list[tuple[int, ExternalFile]] = []
        for repository in self._repositories:
            place = Address.parse(repository.address)
            path = address.below(place)
            if path:
                if address.query:
                    raise InvalidInput(
                        f"{redact_url(repository.address)!r} is asked with the query of its own: leave "
                        f"that of {path!r} away"
                    )
                held = fenced(repository, self._listed)
                found.append((len(place.segments), ExternalFile(held, check_path(path))))
        return max(found, key=lambda one: one[0])[1] if found else None

    def _web(self, url: str, address: Address) -> ExternalFile:
        if address.user:
            raise InvalidInput(f"{redact_url(url)!r} names a user: name its place in `sources` instead")
        if not self._is_listed(address):
            _check_public(url, address)
        place = HttpSettings(url=address.folder_url, query=SecretStr(address.query))
        held = place.restricted(
            EgressPolicy.parse(self._listed)
        )  # names and replies may lead elsewhere
        return ExternalFile(Repository(storage=held), check_path(address.name))

    def _file(self, url: str, address: Address) -> ExternalFile:
        folder = LocalSettings.from_url(address.folder_url)
        inside = self._is_listed(address) or below(Path(folder.path) / address.name, self._roots)
        if not inside:
            raise InvalidInput(
                f"{redact_url(url)!r} lies below none of the folders that are allowed here"
            )
        return ExternalFile(Repository(storage=folder), check_path(address.name))

    def _is_listed(self, address: Address) -> bool:
        return any(address.below(one) is not None for one in self._allowed)


def _check_public(url: str, address: Address) -> None:
    """Refuse an address inside of the gateway's own network; the connection is held to it, too."""
    try:
        found = socket.getaddrinfo(address.host, address.port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise InvalidInput(f"the host of {redact_url(url)!r} is not known") from error
    for *_, one in found:
        if not is_public(str(one[0])):
            raise InvalidInput(
                f"{redact_url(url)!r} leads into the gateway's own network, and is not allowed"
            )
