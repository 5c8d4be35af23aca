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
from catalog.access import beside_of
from catalog.errors import RepositoryNotFound
from catalog.plan import Mode, Selection
from catalog.settings import Settings
from catalog.spool import STALE_S, Listing
from catalog.store import Catalog
from catalog.version import resource_at
from flows.approval import Approval
from flows.delivery import Running
from flows.export_result import ImportedRepository, ImportResult
from flows.folders import local_folder
from flows.import_missing import Lacking, stage_missing
from flows.import_routes import Route, Unmapped, Wish
from flows.names import shown
from flows.options import GuardSettings, Options
from flows.planning import carried_out, stored
from flows.result import SyncResult
from flows.verb import verb
from providers.keeping import kept_key
from providers.unpacked import UnpackedSettings
from tasks.job import shared
from transfer.archive_import import Unpacked, unpack

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
    wish = Wish(_resolved(repository), versions, unmapped)
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
    place: Path, folder: Path, wish: Wish, others: tuple[Repository, ...], *, dry_run: bool
) -> tuple[Unpacked, tuple[Route, ...]]:
    """Check the archive as a run of its own, and unpack it unless this is all that is wanted."""
    origin = local_folder(place.parent)
    with Running("check-archive", origin, wish.ends, writes=()) as run:
        stop = shared(run.job.run_id).stop
        found = unpack(place, folder, stop, keep=not dry_run, unfit=wish.unfit)
        routes = wish.routes(found.head)
        lacking = [
            Lacking(found, one.name, one.numbers[0], _near(one, routes, others))
            for one in routes
            if one.numbers
        ]
        stage_missing(run, lacking, only_look=dry_run)
        run.end("completed", f"the archive {place.name!r} is whole")
    return found, routes


def _imported(
    found: Unpacked,
    route: Route,
    numbers: tuple[int, ...],
    near: tuple[Repository, ...],
    options: Options,
) -> ImportedRepository:
    """Bring versions of one repository to where they go, one after the other."""
    kept, end = found.head.named(route.name), route.end
    source = Repository(storage=UnpackedSettings(path=str(found.folder), origin=kept.address))
    done: list[tuple[int, SyncResult]] = []
    for number in numbers:
        with Running("import-archive", source, (end,)) as run:
            mark = f"{kept.address}@{number}"
            if number != numbers[-1] and _held(run.catalog, end.address, mark):
                run.end("completed", f"version {number} was imported before")
                continue
            stage_missing(run, [Lacking(found, route.name, number, near)])
            plan = stored(run, _spooled(run.catalog, found, route.name, number), options)
            result = carried_out(run, plan, options, None)
            run.catalog.label_version(end.address, result[0].version, {IMPORTED: mark})
            done.append((number, result))
    return ImportedRepository(route.name, kept.address, end.label, kept.numbers, tuple(done))


def _held(catalog: Catalog, address: str, mark: str) -> bool:
    try:
        return any(one.labels.get(IMPORTED) == mark for one in catalog.versions(address))
    except RepositoryNotFound:
        return False


def _spooled(catalog: Catalog, found: Unpacked, name: str, number: int) -> Listing:
    with catalog.spool() as spool:
        for row in found.rows(name, number):
            spool.add(resource_at(kept_key(str(row.digest)), row), row.path)
        return spool.finish()


@contextmanager
def _folder(staging: str | None) -> Generator[Path]:
    """Make a folder for what is unpacked, gone at the end; it must lie where folders may."""
    catalog = Settings().catalog.expanduser().absolute()
    above = Path(staging).expanduser() if staging else beside_of(catalog)
    above.mkdir(parents=True, exist_ok=True)
    for left in above.glob("import-*"):
        if left.stat().st_mtime < time.time() - STALE_S:
            shutil.rmtree(left, ignore_errors=True)  # of an import that was killed
    with tempfile.TemporaryDirectory(prefix="import-", dir=above) as name:
        local_folder(name)
        yield Path(name)
