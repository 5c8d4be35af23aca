"""Export archive: versions of a repository as a tar, for a site that no network reaches.

from flows.export_archive import export_archive
export_archive("s3-archive", "/media/disk/nightly", chunk_size="4 GB")
export_archive("s3-archive", "/media/disk/next", since="/media/disk/nightly-toc.json")
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from prefect.logging import get_run_logger

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.archive import Head
from catalog.errors import InvalidInput
from catalog.measure import byte_count
from catalog.store import Catalog
from flows.delivery import Running
from flows.export_result import ArchiveResult
from flows.folders import local_folder
from flows.names import run_name
from flows.opened_places import OpenedPlaces
from flows.verb import verb
from providers.local_storage import Placement
from tasks.job import shared
from transfer.archive_export import ArchiveContent, write_archive
from transfer.archive_import import read_toc
from transfer.gather import Gatherer

SMALLEST = 512  # bytes of a chunk
LARGEST = 10**12  # bytes of a chunk


@verb("export-archive", run_name)
def export_archive(
    repository: Repository | str,
    archive: str,
    *,
    versions: list[int] | None = None,
    since: int | str | None = None,
    chunk_size: int | str | None = None,
    meta: dict[str, str] | None = None,
    sources: list[Repository | str] | None = None,
) -> ArchiveResult:
    """Write versions of a repository into an archive that another site can import.

    Equal bytes are in it once. Beside it lies `<archive>-toc.json`, its table of contents: the
    import begins with that, and finds every damaged or missing file.

    Args:
        repository: Whose versions: a repository, its block's name, a path or a URL.
        archive: Path and name of the archive, without an ending; nothing is overwritten.
        versions: The numbers of the versions; by default the latest, or every one after `since`.
        since: What the other site holds already: the number of a version, or the table of contents
            of the former archive. Its bytes are not sent again.
        chunk_size: Bytes of a file, as a number or a text such as "4 GB"; one file by default.
        meta: Your own words, kept in the table of contents.
        sources: Further repositories that may hold bytes which the repository holds no more.

    Returns:
        What was exported.

    Raises:
        BytesNowhere: bytes are nowhere to be had; each file is named, and nothing is left behind.
        NotRecorded: there is no such version.
        InvalidInput: a parameter cannot be used.
    """
    origin = resolved(repository)
    end = local_folder(Path(archive).parent)
    target = Path(end.settings.address().removeprefix("file://")) / Path(archive).name
    size = _size(chunk_size)
    given = (origin, *(resolved(one) for one in sources or ()))
    with Running("export-archive", origin, (end,), writes=()) as run, OpenedPlaces(given) as places:
        catalog, stop = run.catalog, shared(run.job.run_id).stop
        base = _base(since, origin)
        numbers = _numbers(catalog, origin, versions, base)
        head = Head(
            uuid4().hex, datetime.now(UTC), origin.address, origin.label, base, (), 0, 0, meta or {}
        )
        content = ArchiveContent(
            tuple(catalog.version(origin.address, number) for number in numbers),
            lambda number: catalog.content(origin.address, number),
            catalog.archive_artifacts(origin.address, numbers, base),
        )
        gatherer = Gatherer(places, stop, Placement.HARDLINK)  # verified again when it is written
        done = write_archive(target, head, content, gatherer, stop, chunk_size=size)
        result = ArchiveResult(
            run.job.run_id,
            origin.label,
            tuple(numbers),
            base,
            str(done.toc),
            tuple(map(str, done.chunks)),
            done.head.artifacts,
            done.head.artifact_bytes,
        )
        run.end("completed", str(result))
    get_run_logger().info("%s", result)
    return result


def _size(given: int | str | None) -> int | None:
    size = byte_count(given) if isinstance(given, str) else given
    if size is not None and not SMALLEST <= size <= LARGEST:
        raise InvalidInput(f"chunk_size must be from {SMALLEST} to {LARGEST} bytes, found {size}")
    return size


def _base(since: int | str | None, origin: Repository) -> int | None:
    """Return the number of the version that the other site holds."""
    if not isinstance(since, str):
        return since
    if since.isdigit():
        return int(since)
    head = read_toc(Path(since).expanduser()).archive
    if head.address != origin.address:
        raise InvalidInput(f"{since!r} is of {head.address!r}, not of {origin.address!r}")
    return head.versions[-1].number


def _numbers(
    catalog: Catalog, origin: Repository, given: list[int] | None, base: int | None
) -> list[int]:
    """Return the numbers to export, the lowest first; version 0 is empty and never among them."""
    if given is None:
        known = [one.number for one in catalog.versions(origin.address) if one.number]
        given = known[-1:] if base is None else [number for number in known if number > base]
    if not given:
        after = "" if base is None else f" after version {base}"
        raise InvalidInput(f"there is nothing to export: {origin.label!r} has no version{after}")
    if min(given) < 1 or (base is not None and min(given) <= base):
        raise InvalidInput(
            f"version {min(given)} cannot be exported: all must be after {base or 0}"
        )
    return sorted(set(given))
