"""Export archive: write versions of repositories to a tar file, for a site without a network.

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

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.formats.archive import Head
from catalog.formats.quantities import parse_bytes
from catalog.queries.exports import merge_artifacts
from flows.archives.contents import ArchivePart, choose_parts, repositories_by_name
from flows.forms.run_names import run_name
from flows.results.archives import ArchiveResult, ExportedRepository
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.open_repositories import OpenRepositories
from flows.runs.verb import verb
from orchestration.run import run_logger
from providers.local.storage import Placement
from tasks.job import run_resources
from transfer.archive.write import ArchiveContent, RepositoryContent, write_archive
from transfer.locate.fetch_by_digest import DigestFetcher

MIN_CHUNK = 512  # bytes
MAX_CHUNK = 10**12  # bytes


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
    """Write versions of one or several repositories to an archive that another site can import.

    Equal files are stored once. The table of contents, `<archive>-toc.json` beside the archive, is
    what the import starts from, and with which it detects every damaged or missing file.

    Args:
        repository: The repository to export: a repository, its block's name, a path or a URL; or
            several, as a list, or as a mapping from their names in the archive.
        archive: Path of the archive without an extension; existing files are not overwritten.
        versions: Numbers of the versions to export, by name if there are several repositories; by
            default the latest, or all after `since`.
        since: The version that the other site already has, by name if there are several
            repositories, or the path of the previous archive's table of contents.
        chunk_size: Size of each file, in bytes or as text like 4 GiB; by default one file.
        meta: Your own notes, stored in the table of contents.
        sources: More repositories that may have bytes which these no longer have.

    Returns:
        What was exported.

    Raises:
        BytesNotFound: some bytes cannot be found; the error names the files, nothing is written.
        NotRecorded: there is no such version.
        InvalidInput: a parameter is invalid.
    """
    origins = repositories_by_name(repository)
    end = local_folder(Path(archive).parent)
    target = Path(end.settings.address().removeprefix("file://")) / Path(archive).name
    size = _parse_chunk_size(chunk_size)
    given = (*origins.values(), *map(resolved, sources or ()))
    first = given[0]  # if there are several, the run's message and the contents name all
    with (
        ActiveRun("export-archive", first, (end,), writes=()) as run,
        OpenRepositories(given) as places,
    ):
        catalog, stop = run.catalog, run_resources(run.job.run_id).stop
        parts = choose_parts(catalog, origins, versions, since)
        content = ArchiveContent(
            tuple(_content(catalog, part) for part in parts),
            merge_artifacts(
                catalog.exports.artifacts(part.repository.address, part.numbers, part.since)
                for part in parts
                if part.numbers
            ),
        )
        head = Head(uuid4().hex, datetime.now(UTC), (), 0, 0, meta or {})
        fetcher = DigestFetcher(places, stop, Placement.HARDLINK)  # verified when they are written
        done = write_archive(target, head, content, fetcher, stop, chunk_size=size)
        result = ArchiveResult(
            run.job.run_id,
            tuple(ExportedRepository(part.name, part.numbers, part.since) for part in parts),
            str(done.toc),
            tuple(map(str, done.chunks)),
            done.head.artifacts,
            done.head.artifact_bytes,
        )
        run.end("completed", str(result))
    run_logger().info("%s", result)
    return result


def _parse_chunk_size(chunk_size: int | str | None) -> int | None:
    size = parse_bytes(chunk_size) if isinstance(chunk_size, str) else chunk_size
    if size is not None and not MIN_CHUNK <= size <= MAX_CHUNK:
        raise InvalidInput(
            f"chunk_size must be from {MIN_CHUNK:,} to {MAX_CHUNK:,} bytes, found {size:,}"
        )
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
