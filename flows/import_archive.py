"""Import archive: check an archive of another site, and bring its versions into repositories.

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

from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.errors import RepositoryNotFound
from catalog.inbox.spool import STALE_S, Listing
from catalog.model.plan import Mode, Selection
from catalog.model.version import resource_at
from catalog.session.catalog_file import data_folder_of
from catalog.settings import Settings
from flows.archives.missing_bytes import VersionNeeds, stage_missing
from flows.archives.repository_mapping import ImportRequest, Route, Unmapped
from flows.forms.approval import Approval
from flows.forms.options import GuardSettings, Options
from flows.forms.run_names import shown
from flows.results.archives import ImportedRepository, ImportResult
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.planning import execute_plan, store_plan
from flows.runs.verb import verb
from providers.interfaces.history import history_key
from providers.local.settings import UnpackedSettings
from tasks.job import run_resources
from transfer.archive.read import UnpackedArchive, unpack

IMPORTED = "imported"  # the label of a version that came out of an archive


def import_name() -> str:
    """Return `import-archive <archive> to <repository>` of the run that begins."""
    given = dict(flow_run.parameters or {})
    ends = f"{shown(given.get('archive'))} to {shown(given.get('repository'))}"
    return f"import-archive {ends}"[:200]


@verb("import-archive", import_name)
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
    """Check an archive, then bring its versions into repositories, one after the other.

    Each becomes a version of its repository, by an ordinary plan, with every byte verified. One
    that the repository's history holds already is not brought again; the last one always is, and
    finds nothing to do.

    Args:
        archive: The table of contents (`…-toc.json`), or a tar that is the whole archive.
        repository: Where the files go: a repository, its block's name, a path or a URL; or of an
            archive of several by their names in it. `*` stands for all others, each of which goes
            into a folder of its name there.
        versions: Numbers of the versions to bring, of several repositories by their names; the
            newest by default.
        unmapped: What becomes of a repository that is not among the names: nothing is imported, it
            is skipped, or goes to the stored repository of the same name.
        mode: Whether what a version does not have is removed (mirror) or stays.
        dry_run: Check the archive and name everything that is wrong; bring nothing.
        staging: Folder with room for the archive's files; by default beside the catalog.
        sources: Further repositories that may hold bytes which an incremental archive left out.
        guards: How much may be removed or written before anybody is asked.
        approval: What happens where more is planned: the run fails, or waits for a person.

    Returns:
        What was done, version by version.

    Raises:
        ArchiveRefused: something is wrong with the archive, or it is not fit for what is asked;
            all of it is named.
        BytesNowhere: an incremental archive needs bytes that are not here either.
        SyncFailed: something failed; it names each item, and what arrived stays.
        GuardCrossed: a plan does more than its guards allow.
    """
    place = Path(archive).expanduser().absolute()
    wish = ImportRequest(_resolved(repository), versions, unmapped)
    others = tuple(resolved(one) for one in sources or ())
    options = Options(
        mode=mode,
        selection=Selection(allow_empty=True),
        guards=(guards or GuardSettings()).values(),
        approval=approval,
    )
    with _folder(staging) as folder:
        found, routes = _checked(place, folder, wish, others, dry_run=dry_run)
        done = tuple(
            _imported(
                found, one, () if dry_run else one.numbers, _near(one, routes, others), options
            )
            for one in routes
        )
    outcome = ImportResult(str(place), done)
    get_run_logger().info("%s", outcome.summary())
    return outcome


def _resolved(
    given: Repository | str | dict[str, Repository | str],
) -> Repository | dict[str, Repository]:
    if isinstance(given, dict):
        return {name: resolved(one) for name, one in given.items()}
    return resolved(given)


def _near(
    route: Route, routes: tuple[Route, ...], others: tuple[Repository, ...]
) -> tuple[Repository, ...]:
    """Return the repositories that may hold what the archive left out, the route's own first."""
    return (route.end, *(one.end for one in routes if one is not route), *others)


def _checked(
    place: Path, folder: Path, wish: ImportRequest, others: tuple[Repository, ...], *, dry_run: bool
) -> tuple[UnpackedArchive, tuple[Route, ...]]:
    """Check the archive as a run of its own, and unpack it unless this is all that is wanted."""
    origin = local_folder(place.parent)
    with ActiveRun("check-archive", origin, wish.ends, writes=()) as run:
        stop = run_resources(run.job.run_id).stop
        found = unpack(place, folder, stop, keep=not dry_run, extra_problems=wish.unfit)
        routes = wish.routes(found.head)
        lacking = [
            VersionNeeds(found, one.name, one.numbers[0], _near(one, routes, others))
            for one in routes
            if one.numbers
        ]
        stage_missing(run, lacking, only_look=dry_run)
        run.end("completed", f"the archive {place.name!r} is whole")
    return found, routes


def _imported(
    found: UnpackedArchive,
    route: Route,
    numbers: tuple[int, ...],
    near: tuple[Repository, ...],
    options: Options,
) -> ImportedRepository:
    """Bring versions of one repository to where they go, one after the other."""
    kept, end = found.head.repository(route.name), route.end
    source = Repository(storage=UnpackedSettings(path=str(found.folder), origin=kept.address))
    done: list[tuple[int, SyncResult]] = []
    for number in numbers:
        with ActiveRun("import-archive", source, (end,)) as run:
            mark = f"{kept.address}@{number}"
            if number != numbers[-1] and _held(run.catalog, end.address, mark):
                run.end("completed", f"version {number} was imported before")
                continue
            stage_missing(run, [VersionNeeds(found, route.name, number, near)])
            plan = store_plan(run, _spooled(run.catalog, found, route.name, number), options)
            result = execute_plan(run, plan, options, None)
            run.catalog.versions.label(end.address, result[0].version, {IMPORTED: mark})
            done.append((number, result))
    return ImportedRepository(route.name, kept.address, end.label, kept.numbers, tuple(done))


def _held(catalog: Catalog, address: str, mark: str) -> bool:
    try:
        return any(one.labels.get(IMPORTED) == mark for one in catalog.versions.all(address))
    except RepositoryNotFound:
        return False


def _spooled(catalog: Catalog, found: UnpackedArchive, name: str, number: int) -> Listing:
    with catalog.spool() as spool:
        for row in found.rows(name, number):
            spool.add(resource_at(history_key(str(row.digest)), row), row.path)
        return spool.finish()


@contextmanager
def _folder(staging: str | None) -> Generator[Path]:
    """Make a folder for what is unpacked, gone at the end; it must lie where folders may."""
    catalog = Settings().catalog.expanduser().absolute()
    above = Path(staging).expanduser() if staging else data_folder_of(catalog)
    above.mkdir(parents=True, exist_ok=True)
    for left in above.glob("import-*"):
        if left.stat().st_mtime < time.time() - STALE_S:
            shutil.rmtree(left, ignore_errors=True)  # of an import that was killed
    with tempfile.TemporaryDirectory(prefix="import-", dir=above) as name:
        local_folder(name)
        yield Path(name)
