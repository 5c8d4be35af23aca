"""Export archive: versions of repositories as a tar, for a site that no network reaches.

from flows.export_archive import export_archive
export_archive("s3-archive", "/media/disk/nightly", chunk_size="4 GB")
export_archive("s3-archive", "/media/disk/next", since="/media/disk/nightly-toc.json")
export_archive(["s3-archive", "s3-models"], "/media/disk/both")
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

from prefect.logging import get_run_logger

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.formats.archive import Head
from catalog.formats.quantities import parse_bytes
from catalog.queries.exports import merge_artifacts
from flows.archives.contents import ArchivePart, named, parts
from flows.forms.run_names import run_name
from flows.results.archives import ArchiveResult, ExportedRepository
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.open_repositories import OpenRepositories
from flows.runs.verb import verb
from providers.local.storage import Placement
from tasks.job import run_resources
from transfer.archive.write import ArchiveContent, RepositoryContent, write_archive
from transfer.locate.gather import Gatherer

SMALLEST = 512  # bytes of a chunk
LARGEST = 10**12  # bytes of a chunk


@verb("export-archive", run_name)
def export_archive(
    repository: Repository | str | list[Repository | str] | dict[str, Repository | str],
    archive: str,
    *,
    versions: list[int] | dict[str, list[int]] | None = None,
    since: int | str | dict[str, int] | None = None,
    chunk_size: int | str | None = None,
    meta: dict[str, str] | None = None,
    sources: list[Repository | str] | None = None,
) -> ArchiveResult:
    """Write versions of one repository or several into an archive that another site can import.

    Equal bytes are in it once. Beside it lies `<archive>-toc.json`, its table of contents: the
    import begins with that, and finds every damaged or missing file.

    Args:
        repository: Whose versions: a repository, its block's name, a path or a URL; or several
            of them, each under its label, or under the name in the archive that you give it.
        archive: Path and name of the archive, without an ending; nothing is overwritten.
        versions: The numbers of the versions; by default the latest, or every one after `since`.
            Of several repositories by name.
        since: What the other site holds already: the number of a version (of several repositories
            by name), or the table of contents of the former archive. Its bytes are not sent again.
        chunk_size: Bytes of a file, as a number or a text such as "4 GB"; one file by default.
        meta: Your own words, kept in the table of contents.
        sources: Further repositories that may hold bytes which these hold no more.

    Returns:
        What was exported.

    Raises:
        BytesNowhere: bytes are nowhere to be had; each file is named, and nothing is left behind.
        NotRecorded: there is no such version.
        InvalidInput: a parameter cannot be used.
    """
    origins = named(repository)
    end = local_folder(Path(archive).parent)
    target = Path(end.settings.address().removeprefix("file://")) / Path(archive).name
    size = _size(chunk_size)
    given = (*origins.values(), *(resolved(one) for one in sources or ()))
    first = given[0]  # of several, the run's message and the table of contents name all
    with (
        ActiveRun("export-archive", first, (end,), writes=()) as run,
        OpenRepositories(given) as places,
    ):
        catalog, stop = run.catalog, run_resources(run.job.run_id).stop
        chosen = parts(catalog, origins, versions, since)
        content = ArchiveContent(
            tuple(_content(catalog, part) for part in chosen),
            merge_artifacts(
                catalog.exports.artifacts(part.repository.address, part.numbers, part.since)
                for part in chosen
                if part.numbers
            ),
        )
        head = Head(uuid4().hex, datetime.now(UTC), (), 0, 0, meta or {})
        gatherer = Gatherer(places, stop, Placement.HARDLINK)  # verified again when it is written
        done = write_archive(target, head, content, gatherer, stop, chunk_size=size)
        result = ArchiveResult(
            run.job.run_id,
            tuple(ExportedRepository(part.name, part.numbers, part.since) for part in chosen),
            str(done.toc),
            tuple(map(str, done.chunks)),
            done.head.artifacts,
            done.head.artifact_bytes,
        )
        run.end("completed", str(result))
    get_run_logger().info("%s", result)
    return result


def _size(given: int | str | None) -> int | None:
    size = parse_bytes(given) if isinstance(given, str) else given
    if size is not None and not SMALLEST <= size <= LARGEST:
        raise InvalidInput(f"chunk_size must be from {SMALLEST} to {LARGEST} bytes, found {size}")
    return size


def _content(catalog: Catalog, part: ArchivePart) -> RepositoryContent:
    address = part.repository.address
    return RepositoryContent(
        part.name,
        address,
        part.since,
        tuple(catalog.versions.get(address, number) for number in part.numbers),
        partial(catalog.versions.content, address),
    )
