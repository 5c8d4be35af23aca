"""Resolve addresses that the catalog knows to repositories that can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blocks.repository import Repository
from blocks.reserved_folders import history_folder, numbered_folder
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError
from orchestration.block import stored_names
from orchestration.mode import uses_prefect
from orchestration.run import run_logger
from providers.interfaces.history import HISTORY
from providers.layouts.numbered_names import NUMBERS


def readable_repositories(
    addresses: Iterable[str], given: Iterable[Repository]
) -> tuple[Repository, ...]:
    """Return a repository for each address that can be resolved, with its credentials.

    That is: one of the `given` repositories, a stored block, or what the address alone resolves to.
    """
    wanted = list(addresses)
    known = {area.address: area for repository in given for area in _with_areas(repository)}
    if any(address not in known for address in wanted):
        for stored in _stored_repositories():
            for area in _with_areas(stored):
                known.setdefault(area.address, area)
    found = (known.get(address) or _from_address(address) for address in wanted)
    return tuple(repository for repository in found if repository is not None)


def _stored_repositories() -> Iterator[Repository]:
    """Yield the stored repositories; without Prefect none can be read, which is logged."""
    if uses_prefect():
        from blocks.stored_repositories import usable_repositories  # noqa: PLC0415 - needs Prefect

        yield from usable_repositories()
    elif stored_names(Repository.get_block_type_slug()) != frozenset():
        run_logger().warning(
            "stored repositories were not searched: that needs Prefect (ENTREPOT_PREFECT)"
        )


def _from_address(address: str) -> Repository | None:
    """Return the repository that an address alone resolves to, if any."""
    parent = address.removesuffix(f"/{HISTORY}").removesuffix(f"/{NUMBERS}")
    try:
        repository = resolved(parent)
    except CatalogError:
        return None
    return next((area for area in _with_areas(repository) if area.address == address), None)


def _with_areas(repository: Repository) -> tuple[Repository, ...]:
    """Return a repository and the places where it may keep the bytes of older versions."""
    return repository, history_folder(repository), numbered_folder(repository)
