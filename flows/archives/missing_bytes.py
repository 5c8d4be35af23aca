"""Bytes that an incremental archive left out, because this site is said to hold them.

They are taken from here before anything is touched: a plan that moves a file to another name,
and another to its old one, would lose it otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blocks.repository import Repository
from catalog.catalog import Catalog
from catalog.errors import RepositoryNotFound, ResourceNotFound
from catalog.model.version import ContentRow
from flows.runs.active_run import ActiveRun
from flows.runs.open_repositories import OpenRepositories
from providers.interfaces.history import history_key
from providers.local.storage import Placement
from tasks.job import run_resources
from transfer.archive.read import UnpackedArchive
from transfer.locate.gather import BytesNowhere, Gatherer, GatherRequest


@dataclass(frozen=True, slots=True)
class VersionNeeds:
    """A version of an archive that may need bytes from here; the first place is where it goes."""

    found: UnpackedArchive
    name: str
    number: int
    places: tuple[Repository, ...]

    @property
    def address(self) -> str:
        """Return the address of the repository that it goes to."""
        return self.places[0].address


def stage_missing(
    run: ActiveRun, every: Iterable[VersionNeeds], *, only_look: bool = False
) -> None:
    """Put the bytes that versions need and the archive has not beside those that it has.

    What the destination holds at the same path stays there and is not needed.

    Raises:
        BytesNowhere: they are not here either; every file is named.
    """
    told: list[str] = []
    named: list[str] = []
    for one in every:
        if missing := _staged(run, one, only_look=only_look):
            base = one.found.head.repository(one.name)
            told.append(f"version {one.number} of {base.address!r} stands on version {base.since}")
            named += missing
    if named:
        raise BytesNowhere(f"{', '.join(told)}, which is not all here", tuple(named))


def _staged(run: ActiveRun, one: VersionNeeds, *, only_look: bool) -> list[str]:
    """Put what one version needs beside the rest; return what is not here."""
    missing: list[str] = []
    with OpenRepositories(one.places) as places:
        gatherer = Gatherer(places, run_resources(run.job.run_id).stop, Placement.COPY)
        for row in _moved(
            run.catalog, one.address, one.found.rows_without_bytes(one.name, one.number)
        ):
            digest = str(row.digest)
            where = _places(run.catalog, one.address, digest)
            file = one.found.folder / history_key(digest)
            if file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                gatherer.fetch(GatherRequest(row.path, row.size, digest, where), file)
            except ResourceNotFound as error:
                missing.append(str(error))
            if only_look:
                file.unlink(missing_ok=True)
    return missing


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
        return catalog.versions.content(address)
    except RepositoryNotFound:
        return iter(())


def _places(catalog: Catalog, address: str, digest: str) -> tuple[tuple[str, str], ...]:
    """Return where bytes lie, the repository itself first."""
    found = sorted(catalog.holdings.locations(digest), key=lambda one: one.address != address)
    return tuple((one.address, one.path) for one in found)
