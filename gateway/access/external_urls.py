"""Opens URLs given by callers with the usual providers, if they are allowed.

A URL inside one of the tenant's repositories is opened with that repository's credentials. Another
web address must be public or below one of the tenant's `external` addresses, as must every hop of a
redirect; a folder must be below one of the tenant's roots. Addresses are compared as values
(`providers.shared.address`), and decided only here.
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
from gateway.access.tenant_storages import WEB, restrict
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
from transfer.batch.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class ExternalFile:
    """The file that a URL refers to, in a repository that the tenant may read."""

    repository: Repository
    path: str


class ExternalUrls:
    """The external URLs that one tenant may use."""

    def __init__(
        self, allowed: Sequence[str], roots: Sequence[Path], repositories: Iterable[Repository]
    ) -> None:
        """Allow addresses below `allowed`, folders below `roots`, and files in `repositories`."""
        self._listed = tuple(allowed)
        self._allowed = tuple(Address.parse(address) for address in allowed)
        self._roots = roots
        self._repositories = repositories

    def check(self, url: str) -> None:
        """Refuse a URL that this tenant may not use.

        Raises:
            InvalidInput: it is not a URL, contains a password, or is not allowed.
        """
        self._resolve(url)

    @contextmanager
    def open(self, url: str) -> Generator[tuple[Endpoint[Source], str]]:
        """Open the storage of a URL; yield it with the path in it."""
        file = self._resolve(url)
        with open_source(file.repository) as end:
            yield end, file.path

    def _resolve(self, url: str) -> ExternalFile:
        """Return the file of a URL, if it is allowed."""
        scheme = scheme_of(url)
        if scheme is None:
            raise InvalidInput(f"{url!r} is not a URL: expected scheme://…")
        address = Address.parse(url)
        if not address.name:
            raise InvalidInput(f"{redact_url(url)!r} is not the URL of a file")
        found_file = self._find_in_repository(address)
        if found_file is not None:
            return found_file
        if scheme in WEB:
            return self._resolve_web(url, address)
        if scheme == "file":
            return self._resolve_file(url, address)
        raise InvalidInput(f"{redact_url(url)!r} is in no repository of this tenant")

    def _find_in_repository(self, address: Address) -> ExternalFile | None:
        """Return the file in the innermost repository of this tenant that contains an address."""
        found: list[tuple[int, ExternalFile]] = []
        for repository in self._repositories:
            place = Address.parse(repository.address)
            path = address.below(place)
            if path:
                if address.query:
                    raise InvalidInput(
                        f"{redact_url(repository.address)!r} has its own query: remove the query "
                        f"of {path!r}"
                    )
                found_file = restrict(repository, self._listed)
                found.append((len(place.segments), ExternalFile(found_file, check_path(path))))
        return max(found, key=lambda one: one[0])[1] if found else None

    def _resolve_web(self, url: str, address: Address) -> ExternalFile:
        if address.user:
            raise InvalidInput(
                f"{redact_url(url)!r} contains a user: add its repository to `sources` instead"
            )
        if not self._is_listed(address):
            _check_public(url, address)
        place = HttpSettings(url=address.folder_url, query=SecretStr(address.query))
        found_file = place.restricted(
            EgressPolicy.parse(self._listed)
        )  # names and replies may lead elsewhere
        return ExternalFile(Repository(storage=found_file), check_path(address.name))

    def _resolve_file(self, url: str, address: Address) -> ExternalFile:
        folder = LocalSettings.from_url(address.folder_url)
        inside = self._is_listed(address) or below(Path(folder.path) / address.name, self._roots)
        if not inside:
            raise InvalidInput(f"{redact_url(url)!r} is not in a folder that this tenant may use")
        return ExternalFile(Repository(storage=folder), check_path(address.name))

    def _is_listed(self, address: Address) -> bool:
        return any(address.below(one) is not None for one in self._allowed)


def _check_public(url: str, address: Address) -> None:
    """Refuse an address in the gateway's own network; the connection checks that again."""
    try:
        found = socket.getaddrinfo(address.host, address.port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise InvalidInput(f"the host of {redact_url(url)!r} is unknown") from error
    for *_, one in found:
        if not is_public(str(one[0])):
            raise InvalidInput(
                f"{redact_url(url)!r} is in the gateway's own network, which is not allowed"
            )
