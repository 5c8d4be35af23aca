"""Plans for the content of versions, as restore, promote, modify and repair make them.

The bytes are read from any place where the catalog knows their digest, and verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from blocks.readable_repositories import readable_repositories
from blocks.repository import Layout, Repository
from blocks.reserved_folders import previous_bytes_folder
from catalog.catalog import Catalog
from catalog.errors import BytesMissing, InvalidInput, NotRecorded, PlanOutdated
from catalog.inbox.spool import Listing, Spool
from catalog.model.modification import Modification, apply_modification
from catalog.model.plan import Mode, Plan, PlanRequest, Selection
from catalog.model.version import ContentRow, Version, resource_at
from flows.forms.options import Options
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.planning import execute_plan, recheck_plan, reference_to, store_plan
from providers.interfaces.history import history_key
from tasks.missing_bytes import find_missing_bytes

MAX_NAMED = 100  # paths in an error
RESTORING = Options(mode=Mode.MIRROR, selection=Selection(allow_empty=True))


class BytesLocation(Enum):
    """Where a run's source has the bytes of the wanted content."""

    UNDER_ITS_PATHS = "under its paths"  # with the layout `versioned`, under their numbers
    IN_ITS_HISTORY = "in its history"  # under their digests


def bytes_location_of(repository: Repository) -> BytesLocation:
    """Return where a repository has the bytes of its own versions."""
    numbers = repository.layout is Layout.VERSIONED
    return BytesLocation.UNDER_ITS_PATHS if numbers else BytesLocation.IN_ITS_HISTORY


@dataclass(frozen=True, slots=True)
class WantedContent:
    """The wanted content: its rows, where their bytes are, and the versions they come from."""

    rows: Iterable[ContentRow]
    location: BytesLocation
    versions: tuple[tuple[str, int], ...]  # (address, number)
    definition: tuple[str, int] | Modification | None = None
    """What defines the rows when a stored plan is applied: a version, or a modification."""


def version_content(
    catalog: Catalog, origin: Repository, version: Version, ends: Iterable[Repository]
) -> tuple[Repository, WantedContent]:
    """Return a version as content for `ends`, and the repository to read it from."""
    key = (origin.address, version.number)
    current = (
        origin.layout is Layout.PATH
        and version.number == catalog.versions.latest(origin.address).number
        and origin.address not in {end.address for end in ends}
    )
    rows = catalog.versions.content(*key)
    if current:
        return origin, WantedContent(rows, BytesLocation.UNDER_ITS_PATHS, (key,), key)
    return previous_bytes_folder(origin), WantedContent(
        rows, bytes_location_of(origin), (key,), key
    )


def modified_content(catalog: Catalog, modification: Modification) -> WantedContent:
    """Return the content that a modification creates."""
    rows = apply_modification(modification, catalog.versions.content)
    return WantedContent(rows, BytesLocation.IN_ITS_HISTORY, modification.versions, modification)


def missing_paths(
    run: ActiveRun, content: WantedContent, options: Options, given: Iterable[Repository]
) -> list[str]:
    """Return the paths of `content` that the destinations lack and whose bytes cannot be found."""
    return _missing_paths(run, plan_content(run, content, options, given))


def apply_content(
    run: ActiveRun, content: WantedContent, options: Options, given: Iterable[Repository]
) -> SyncResult:
    """Make every destination of the run contain exactly `content`.

    Raises:
        BytesMissing: some bytes cannot be found; nothing was changed.
    """
    plan = plan_content(run, content, options, given)
    return _execute(run, plan, options)


def apply_stored_plan(
    run: ActiveRun, request: PlanRequest, options: Options, given: Iterable[Repository]
) -> SyncResult:
    """Apply a stored plan of version content, or refuse and name what changed since.

    Raises:
        PlanOutdated: a destination changed since the plan was made, or a version that the plan
            needs was deleted.
        BytesMissing: some bytes cannot be found; nothing was changed.
    """
    content = _stored_content(run, request)
    recheck_plan(run, request, options, _spool_listing(run.catalog.spool(), content))
    _add_readable_places(run, content, given)
    return _execute(run, run.catalog.plans.get(request.plan_id), options)


def _stored_content(run: ActiveRun, request: PlanRequest) -> WantedContent:
    """Return the content that a stored plan wants, from the versions that it names."""
    definition, source = request.content, run.job.source
    if definition is None:
        raise InvalidInput(f"plan {request.plan_id} is not a plan of a version")
    if isinstance(definition, Modification):
        _refuse_deleted(run.catalog, request.plan_id, definition.versions)
        return modified_content(run.catalog, definition)
    _refuse_deleted(run.catalog, request.plan_id, (definition,))
    by_digest = source.address != definition[0] or source.layout is Layout.CONTENT
    location = BytesLocation.IN_ITS_HISTORY if by_digest else BytesLocation.UNDER_ITS_PATHS
    rows = run.catalog.versions.content(*definition)
    return WantedContent(rows, location, (definition,), definition)


def _refuse_deleted(catalog: Catalog, plan_id: str, versions: Iterable[tuple[str, int]]) -> None:
    """Raise `PlanOutdated` if versions that a plan needs were deleted."""
    deleted: list[str] = []
    for address, number in versions:
        try:
            catalog.versions.get(address, number)
        except NotRecorded:
            deleted.append(f"version {number} of {address!r}")
    if deleted:
        why = f"{len(deleted):,} of the versions that it needs were deleted; make a new plan"
        raise PlanOutdated(plan_id, why, tuple(deleted), len(deleted))


def _execute(run: ActiveRun, plan: Plan, options: Options) -> SyncResult:
    refuse_missing_bytes(run, plan)
    return execute_plan(run, plan, options, None)


def refuse_missing_bytes(run: ActiveRun, plan: Plan) -> None:
    """Raise `BytesMissing` if bytes of a plan cannot be found anywhere."""
    missing = _missing_paths(run, plan)
    if missing:
        why = f"the bytes of {len(missing):,} files cannot be found anywhere"
        named = tuple(repr(path) for path in missing[:MAX_NAMED])
        raise BytesMissing(plan.plan_id, why, named, len(missing))


def plan_content(
    run: ActiveRun, content: WantedContent, options: Options, given: Iterable[Repository]
) -> Plan:
    """Store the plan that makes every destination of the run contain exactly `content`."""
    _add_readable_places(run, content, given)
    ends = tuple(map(reference_to, (run.job.source, *run.job.destinations)))
    wanted = _spool_listing(run.catalog.spool(), content)
    return store_plan(run, wanted, options, ends=ends, content=content.definition)


def _add_readable_places(
    run: ActiveRun, content: WantedContent, given: Iterable[Repository]
) -> None:
    """Let the run read every repository that is known to have bytes of `content`.

    The `given` repositories are added too: a file under the same path there may be the wanted one,
    even if the catalog does not know it.
    """
    job = run.job
    own = {end.address for end in (job.source, *job.destinations)}
    extra = {place.address: place for place in given if place.address not in own}
    near = (job.source, *job.destinations, *extra.values())
    holders = {
        address: None
        for version in content.versions
        for address in run.catalog.holdings.holders(*version)
    }
    known = readable_repositories([address for address in holders if address not in own], near)
    known_addresses = {place.address for place in known}
    unknown = (place for address, place in extra.items() if address not in known_addresses)
    run.job = replace(job, places=(*known, *unknown), same_paths=frozenset(extra))


def _missing_paths(run: ActiveRun, plan: Plan) -> list[str]:
    return find_missing_bytes(replace(run.job, plan_id=plan.plan_id)) if plan else []


def _spool_listing(spool: Spool, content: WantedContent) -> Listing:
    under_paths = content.location is BytesLocation.UNDER_ITS_PATHS
    with spool:
        for row in content.rows:
            if row.digest is None and not under_paths:
                raise InvalidInput(
                    f"{row.path!r} cannot be restored: its bytes were never read, so its digest "
                    "is not known"
                )
            if under_paths or row.digest is None:
                spool.add(resource_at(row.path, row, etag=row.etag), row.path)
            else:
                spool.add(resource_at(history_key(row.digest), row), row.path)
        return spool.finish()
