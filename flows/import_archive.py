"""Import archive: check an archive from another site and import its versions into repositories.

from flows.import_archive import import_archive
import_archive("/media/disk/nightly-toc.json", "/srv/data", dry_run=True)     # checks only
import_archive("/media/disk/nightly-toc.json", "/srv/data", mode="mirror")
import_archive("/media/disk/both-toc.json", {"s3-archive": "/srv/data", "s3-models": "models"})
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.catalog_file import data_folder_of
from catalog.errors import RepositoryNotFound
from catalog.inbox.spool import STALE_S, Listing
from catalog.model.plan import Mode, Selection
from catalog.model.version import resource_at
from catalog.settings import Settings
from flows.archives.local_bytes import VersionNeeds, stage_missing
from flows.archives.repository_mapping import ImportRequest, RepositoryImport, Unmapped
from flows.forms.approval import Approval
from flows.forms.options import GuardSettings, Options
from flows.forms.run_names import short_name
from flows.results.archives import ImportedRepository, ImportResult
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.planning import execute_plan, store_plan
from flows.runs.verb import verb
from orchestration.run import run_logger, run_parameters
from providers.interfaces.history import history_key
from providers.local.settings import UnpackedSettings
from tasks.job import run_resources
from transfer.archive.read import UnpackedArchive, unpack

IMPORTED = "imported"  # label of a version that came from an archive


def import_run_name() -> str:
    """Return `import-archive <archive> to <repository>` for the run that starts."""
    parameters = run_parameters()
    archive, repository = parameters.get("archive"), parameters.get("repository")
    return f"import-archive {short_name(archive)} to {short_name(repository)}"[:200]


@verb("import-archive", import_run_name)
def import_archive(  # noqa: PLR0913 - each is a field of the run form
    archive: str,
    repository: Repository | str | dict[str, Repository | str],
    *,
    versions: list[int] | dict[str, list[int]] | None = None,
    unmapped: Unmapped = Unmapped.REFUSE,
    mode: Mode = Mode.ADDITIVE,
    dry_run: bool = False,
    staging: str | None = None,
    sources: list[Repository | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
) -> ImportResult:
    """Check an archive, then import its versions into repositories, one after the other.

    Each version becomes a version of its repository, by an ordinary plan, with every byte verified.
    A version that was imported before is skipped, except the last, which then changes nothing.

    Args:
        archive: The table of contents (`…-toc.json`), or a tar that is the whole archive.
        repository: The destination: a repository, its block's name, a path or a URL; or a mapping
            from names in the archive to destinations. `*` stands for all other names, each of which
            is imported into a folder of its name there.
        versions: Numbers of the versions to import, by name if there are several repositories; by
            default the newest.
        unmapped: What to do with a repository that the mapping does not name: import nothing, skip
            it, or import it into the stored repository of the same name.
        mode: Whether files that a version does not have are removed (mirror) or kept (additive).
        dry_run: Check the archive and report every problem, without importing anything.
        staging: Folder with space for the archive's files; by default beside the catalog.
        sources: More repositories that may have bytes which an incremental archive leaves out.
        guards: Limits on what may be removed or written without approval.
        approval: Whether a plan that crosses its guards fails, or waits for a person (ask).

    Returns:
        What was done for each version.

    Raises:
        ArchiveRefused: the archive is damaged, or does not fit the parameters; the error names
            every problem.
        BytesNotFound: an incremental archive needs bytes that this site does not have.
        SyncFailed: files failed; the error names them, and delivered files stay.
        GuardCrossed: a plan crosses its guards.
    """
    place = Path(archive).expanduser().absolute()
    request = ImportRequest(_resolve(repository), versions, unmapped)
    others = tuple(map(resolved, sources or ()))
    options = Options(
        mode=mode,
        selection=Selection(allow_empty=True),
        guards=(guards or GuardSettings()).values(),
        approval=approval,
    )
    with _staging_folder(staging) as folder:
        unpacked, routes = _check_archive(place, folder, request, others, dry_run=dry_run)
        repositories = tuple(
            _import_versions(
                unpacked,
                route,
                () if dry_run else route.numbers,
                _places(route, routes, others),
                options,
            )
            for route in routes
        )
    result = ImportResult(str(place), repositories)
    run_logger().info("%s", result.summary())
    return result


def _resolve(
    repository: Repository | str | dict[str, Repository | str],
) -> Repository | dict[str, Repository]:
    if isinstance(repository, dict):
        return {name: resolved(reference) for name, reference in repository.items()}
    return resolved(repository)


def _places(
    route: RepositoryImport, routes: tuple[RepositoryImport, ...], others: tuple[Repository, ...]
) -> tuple[Repository, ...]:
    """Return the repositories that may have what the archive leaves out, the route's own first."""
    return (route.end, *(other.end for other in routes if other is not route), *others)


def _check_archive(
    place: Path,
    folder: Path,
    request: ImportRequest,
    others: tuple[Repository, ...],
    *,
    dry_run: bool,
) -> tuple[UnpackedArchive, tuple[RepositoryImport, ...]]:
    """Check the archive, as a run of its own, and keep it unpacked unless this is a dry run."""
    origin = local_folder(place.parent)
    with ActiveRun("check-archive", origin, request.ends, writes=()) as run:
        stop = run_resources(run.job.run_id).stop
        unpacked = unpack(place, folder, stop, keep=not dry_run, extra_problems=request.problems)
        routes = request.routes(unpacked.head)
        needs = [
            VersionNeeds(unpacked, route.name, route.numbers[0], _places(route, routes, others))
            for route in routes
            if route.numbers
        ]
        stage_missing(run, needs, check_only=dry_run)
        run.end("completed", f"the archive {place.name!r} is complete")
    return unpacked, routes


def _import_versions(
    unpacked: UnpackedArchive,
    route: RepositoryImport,
    numbers: tuple[int, ...],
    places: tuple[Repository, ...],
    options: Options,
) -> ImportedRepository:
    """Import versions of one repository, one after the other."""
    entry, end = unpacked.head.repository(route.name), route.end
    source = Repository(storage=UnpackedSettings(path=str(unpacked.folder), origin=entry.address))
    imported: list[tuple[int, SyncResult]] = []
    for number in numbers:
        with ActiveRun("import-archive", source, (end,)) as run:
            label = f"{entry.address}@{number}"
            if number != numbers[-1] and _is_imported(run.catalog, end.address, label):
                run.end("completed", f"version {number} was imported before")
                continue
            stage_missing(run, [VersionNeeds(unpacked, route.name, number, places)])
            listing = _spool_listing(run.catalog, unpacked, route.name, number)
            plan = store_plan(run, listing, options)
            result = execute_plan(run, plan, options, None)
            run.catalog.versions.label(end.address, result[0].version, {IMPORTED: label})
            imported.append((number, result))
    return ImportedRepository(route.name, entry.address, end.label, entry.numbers, tuple(imported))


def _is_imported(catalog: Catalog, address: str, label: str) -> bool:
    try:
        versions = catalog.versions.all(address)
    except RepositoryNotFound:
        return False
    return any(version.labels.get(IMPORTED) == label for version in versions)


def _spool_listing(catalog: Catalog, unpacked: UnpackedArchive, name: str, number: int) -> Listing:
    with catalog.spool() as spool:
        for row in unpacked.rows(name, number):
            spool.add(resource_at(history_key(str(row.digest)), row), row.path)
        return spool.finish()


@contextmanager
def _staging_folder(staging: str | None) -> Generator[Path]:
    """Create a temporary folder for the unpacked archive, where local folders are allowed."""
    catalog = Settings().catalog.expanduser().absolute()
    parent = Path(staging).expanduser() if staging else data_folder_of(catalog)
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in parent.glob("import-*"):
        if leftover.stat().st_mtime < time.time() - STALE_S:
            shutil.rmtree(leftover, ignore_errors=True)  # of an import that was killed
    with tempfile.TemporaryDirectory(prefix="import-", dir=parent) as name:
        local_folder(name)
        yield Path(name)
