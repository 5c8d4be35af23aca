"""Bytes of this site that an incremental archive leaves out: it should have them.

They are copied before anything is changed: a plan that renames one file and gives its old name to
another would lose it otherwise.
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
from transfer.locate.fetch_by_digest import BytesNotFound, DigestFetcher, DigestRequest


@dataclass(frozen=True, slots=True)
class VersionNeeds:
    """A version that may need bytes of this site; the first place is its destination."""

    archive: UnpackedArchive
    name: str
    number: int
    places: tuple[Repository, ...]

    @property
    def address(self) -> str:
        """Return the address of the repository that it is imported into."""
        return self.places[0].address


def stage_missing(
    run: ActiveRun, versions: Iterable[VersionNeeds], *, check_only: bool = False
) -> None:
    """Copy the bytes that versions need and the archive lacks into the unpacked archive.

    Bytes that the destination has at the same path are not needed.

    Raises:
        BytesNotFound: this site does not have them either; the error names every file.
    """
    bases: list[str] = []
    missing: list[str] = []
    for version in versions:
        if missing_here := _stage_version(run, version, check_only=check_only):
            base = version.archive.head.repository(version.name)
            bases.append(
                f"version {version.number} of {base.address!r} is based on version {base.since}"
            )
            missing += missing_here
    if missing:
        raise BytesNotFound(
            f"{', '.join(bases)}, which is not complete at this site", tuple(missing)
        )


def _stage_version(run: ActiveRun, version: VersionNeeds, *, check_only: bool) -> list[str]:
    """Copy the bytes that one version needs; return what this site does not have."""
    missing: list[str] = []
    with OpenRepositories(version.places) as places:
        fetcher = DigestFetcher(places, run_resources(run.job.run_id).stop, Placement.COPY)
        lacking = version.archive.rows_without_bytes(version.name, version.number)
        for row in _rows_to_copy(run.catalog, version.address, lacking):
            digest = str(row.digest)
            locations = _locations(run.catalog, version.address, digest)
            file = version.archive.folder / history_key(digest)
            if file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                fetcher.fetch(DigestRequest(row.path, row.size, digest, locations), file)
            except ResourceNotFound as error:
                missing.append(str(error))
            if check_only:
                file.unlink(missing_ok=True)
    return missing


def _rows_to_copy(
    catalog: Catalog, address: str, rows: Iterator[ContentRow]
) -> Iterator[ContentRow]:
    """Yield the rows that the repository does not have at the same path; both are in path order."""
    existing = iter(_content(catalog, address))
    current = next(existing, None)
    for row in rows:
        while current is not None and current.path < row.path:
            current = next(existing, None)
        same = current is not None and current.path == row.path and current.digest == row.digest
        if not same:
            yield row


def _content(catalog: Catalog, address: str) -> Iterator[ContentRow]:
    try:
        return catalog.versions.content(address)
    except RepositoryNotFound:
        return iter(())


def _locations(catalog: Catalog, address: str, digest: str) -> tuple[tuple[str, str], ...]:
    """Return the locations of bytes, those in the repository itself first."""
    locations = sorted(
        catalog.holdings.locations(digest), key=lambda location: location.address != address
    )
    return tuple((location.address, location.path) for location in locations)
