"""Bytes that an incremental archive left out, because this site is said to hold them.

They are taken from here before anything is touched: a plan that moves a file to another name,
and another to its old one, would lose it otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blocks.repository import Repository
from catalog.errors import RepositoryNotFound, ResourceNotFound
from catalog.store import Catalog
from catalog.version import ContentRow
from flows.delivery import Running
from flows.opened_places import OpenedPlaces
from providers.keeping import kept_key
from providers.local_storage import Placement
from tasks.job import shared
from transfer.archive_import import Unpacked
from transfer.gather import BytesNowhere, Gatherer, Wanted


def stage_missing(
    run: Running,
    found: Unpacked,
    number: int,
    given: Iterable[Repository],
    *,
    only_look: bool = False,
) -> None:
    """Put the bytes that a version needs and the archive has not beside those that it has.

    What the destination holds at the same path stays there and is not needed.

    Raises:
        BytesNowhere: they are not here either; every file is named.
    """
    catalog, address = run.catalog, run.job.destinations[0].address
    missing: list[str] = []
    with OpenedPlaces(given) as places:
        gatherer = Gatherer(places, shared(run.job.run_id).stop, Placement.COPY)
        for row in _moved(catalog, address, found.lacking(number)):
            digest = str(row.digest)
            wanted = Wanted(row.path, row.size, digest, _places(catalog, address, digest))
            file = found.folder / kept_key(digest)
            if file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                gatherer.bring(wanted, file)
            except ResourceNotFound as error:
                missing.append(str(error))
            if only_look:
                file.unlink(missing_ok=True)
    if missing:
        what = f"version {number} of {found.head.address!r} stands on version {found.head.since}"
        raise BytesNowhere(f"{what}, which is not all here", tuple(missing))


def _moved(catalog: Catalog, address: str, rows: Iterator[ContentRow]) -> Iterator[ContentRow]:
    """Yield the rows that the repository does not hold at the same path; both come in order."""
    here = iter(_content(catalog, address))
    standing = next(here, None)
    for row in rows:
        while standing is not None and standing.path < row.path:
            standing = next(here, None)
        same = standing is not None and standing.path == row.path and standing.digest == row.digest
        if not same:
            yield row


def _content(catalog: Catalog, address: str) -> Iterator[ContentRow]:
    try:
        return catalog.content(address)
    except RepositoryNotFound:
        return iter(())


def _places(catalog: Catalog, address: str, digest: str) -> tuple[tuple[str, str], ...]:
    """Return where bytes lie, the repository itself first."""
    found = sorted(catalog.locations(digest), key=lambda one: one.address != address)
    return tuple((one.address, one.path) for one in found)
