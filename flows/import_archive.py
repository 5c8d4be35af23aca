"""Import archive: check an archive of another site, and bring its versions into a repository.

from flows.import_archive import import_archive
import_archive("/media/disk/nightly-toc.json", "/srv/data", dry_run=True)     # checks only
import_archive("/media/disk/nightly-toc.json", "/srv/data", mode="mirror")
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
from catalog.errors import InvalidInput, RepositoryNotFound
from catalog.plan import Mode, Selection
from catalog.settings import Settings
from catalog.spool import STALE_S, Listing
from catalog.store import Catalog
from catalog.version import resource_at
from flows.approval import Approval
from flows.delivery import Running
from flows.export_result import ImportResult
from flows.folders import local_folder
from flows.import_missing import stage_missing
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
    repository: Repository | str,
    *,
    versions: list[int] | None = None,
    mode: Mode = Mode.ADDITIVE,
    dry_run: bool = False,
    staging: str | None = None,
    sources: list[Repository | str] | None = None,
    guards: GuardSettings | None = None,
    approval: Approval = Approval.FAIL,
) -> ImportResult:
    """Check an archive, then bring its versions into a repository, one after the other.

    Each becomes a version there, by an ordinary plan, with every byte verified. One that the
    repository's history holds already is not brought again; the last one always is, and finds
    nothing to do.

    Args:
        archive: The table of contents (`…-toc.json`), or a tar that is the whole archive.
        repository: Where the files go: a repository, its block's name, a path or a URL.
        versions: Numbers of the versions to bring; the newest by default.
        mode: Whether what a version does not have is removed (mirror) or stays.
        dry_run: Check the archive and name everything that is wrong; bring nothing.
        staging: Folder with room for the archive's files; by default beside the catalog.
        sources: Further repositories that may hold bytes which an incremental archive left out.
        guards: How much may be removed or written before anybody is asked.
        approval: What happens where more is planned: the run fails, or waits for a person.

    Returns:
        What was done, version by version.

    Raises:
        ArchiveRefused: something is wrong with the archive; all of it is named.
        BytesNowhere: an incremental archive needs bytes that are not here either.
        SyncFailed: something failed; it names each item, and what arrived stays.
        GuardCrossed: a plan does more than its guards allow.
    """
    place = Path(archive).expanduser().absolute()
    end = resolved(repository)
    given = [end, *(resolved(one) for one in sources or ())]
    options = Options(
        mode=mode,
        selection=Selection(allow_empty=True),
        guards=(guards or GuardSettings()).values(),
        approval=approval,
    )
    with _folder(staging) as folder:
        found = _checked(place, folder, end, given, versions, dry_run=dry_run)
        wanted = _wanted(found, versions)
        done: list[tuple[int, SyncResult]] = []
        source = Repository(storage=UnpackedSettings(path=str(folder), origin=found.head.address))
        for number in [] if dry_run else wanted:
            with Running("import-archive", source, (end,)) as run:
                mark = f"{found.head.address}@{number}"
                if number != wanted[-1] and _held(run.catalog, end.address, mark):
                    run.end("completed", f"version {number} was imported before")
                    continue
                stage_missing(run, found, number, given)
                result = _brought(run, found, number, options)
                run.catalog.label_version(end.address, result[0].version, {IMPORTED: mark})
                done.append((number, result))
    numbers = tuple(one.number for one in found.head.versions)
    outcome = ImportResult(str(place), found.head.address, end.label, numbers, tuple(done))
    get_run_logger().info("%s", outcome.summary())
    return outcome


def _checked(
    place: Path,
    folder: Path,
    end: Repository,
    given: list[Repository],
    versions: list[int] | None,
    *,
    dry_run: bool,
) -> Unpacked:
    """Check the archive as a run of its own, and unpack it unless this is all that is wanted."""
    origin = local_folder(place.parent)
    with Running("check-archive", origin, (end,), writes=()) as run:
        found = unpack(place, folder, shared(run.job.run_id).stop, keep=not dry_run)
        first = _wanted(found, versions)[0]
        stage_missing(run, found, first, given, only_look=dry_run)
        run.end("completed", f"the archive {place.name!r} is whole")
    return found


def _wanted(found: Unpacked, given: list[int] | None) -> list[int]:
    numbers = [one.number for one in found.head.versions]
    if given is None:
        return numbers[-1:]
    if unknown := sorted(set(given) - set(numbers)):
        raise InvalidInput(f"the archive holds versions {numbers}, not {unknown}")
    if not given:
        raise InvalidInput("an import needs at least one version, found none")
    return sorted(set(given))


def _held(catalog: Catalog, address: str, mark: str) -> bool:
    try:
        return any(one.labels.get(IMPORTED) == mark for one in catalog.versions(address))
    except RepositoryNotFound:
        return False


def _brought(run: Running, found: Unpacked, number: int, options: Options) -> SyncResult:
    """Make the destination hold one version of the archive, by an ordinary plan."""
    plan = stored(run, _spooled(run.catalog, found, number), options)
    return carried_out(run, plan, options, None)


def _spooled(catalog: Catalog, found: Unpacked, number: int) -> Listing:
    with catalog.spool() as spool:
        for row in found.rows(number):
            spool.add(resource_at(kept_key(str(row.digest)), row), row.path)
        return spool.finish()


@contextmanager
def _folder(staging: str | None) -> Generator[Path]:
    """Make a folder for what is unpacked, gone at the end; it must lie where folders may."""
    catalog = Settings().catalog.expanduser().absolute()
    above = Path(staging).expanduser() if staging else catalog.with_name(catalog.name + ".d")
    above.mkdir(parents=True, exist_ok=True)
    for left in above.glob("import-*"):
        if left.stat().st_mtime < time.time() - STALE_S:
            shutil.rmtree(left, ignore_errors=True)  # of an import that was killed
    with tempfile.TemporaryDirectory(prefix="import-", dir=above) as name:
        local_folder(name)
        yield Path(name)
