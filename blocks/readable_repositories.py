"""Which repositories may be read for bytes that the catalog knows to lie there."""

from __future__ import annotations

from collections.abc import Iterable

from blocks.history import history_of, numbers_of
from blocks.repository import Repository
from blocks.resolve import repository as resolved
from blocks.stored_repositories import usable_repositories
from catalog.errors import CatalogError
from providers.interfaces.history import HISTORY
from providers.layouts.numbered_names import NUMBERS


def readable_repositories(
    addresses: Iterable[str], given: Iterable[Repository]
) -> tuple[Repository, ...]:
    """Return a repository for each address that something leads to, with its credentials.

    That is: one of those `given`, a stored block, or an address that says all by itself.
    """
    wanted = list(addresses)
    known = {one.address: one for repository in given for one in _with_older(repository)}
    if any(address not in known for address in wanted):
        for stored in usable_repositories():
            for one in _with_older(stored):
                known.setdefault(one.address, one)
    found = ((known.get(address) or _led_to(address)) for address in wanted)
    return tuple(one for one in found if one is not None)


def _led_to(address: str) -> Repository | None:
    """Return the repository that an address alone leads to, if it does."""
    parent = address.removesuffix(f"/{HISTORY}").removesuffix(f"/{NUMBERS}")
    try:
        repository = resolved(parent)
    except CatalogError:
        return None
    return next((one for one in _with_older(repository) if one.address == address), None)


def _with_older(repository: Repository) -> tuple[Repository, ...]:
    """Return a repository and where it may keep the bytes of older versions."""
    return repository, history_of(repository), numbers_of(repository)
