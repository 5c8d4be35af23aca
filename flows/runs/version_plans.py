"""Plans whose wanted set is a set of content: what restore, promote and modify have in common.

The bytes come from wherever the catalog knows their digest to lie, verified on the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from blocks.history import bytes_of
from blocks.readable_repositories import readable_repositories
from blocks.repository import Layout, Repository
from catalog.catalog import Catalog
from catalog.errors import BytesMissing, InvalidInput, NotRecorded, PlanOutdated
from catalog.inbox.spool import Listing, Spool
from catalog.model.modification import Modification, apply_modification
from catalog.model.plan import Mode, Plan, PlanRequest, Selection
from catalog.model.version import ContentRow, Version, resource_at
from flows.forms.options import Options
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.planning import execute_plan, recheck_plan, reference, store_plan
from providers.interfaces.history import history_key
from tasks.batch.missing_bytes import missing_bytes

NAMED = 100  # paths that an error carries
RESTORING = Options(mode=Mode.MIRROR, selection=Selection(allow_empty=True))


class BytesLocation(Enum):
    """Where the source of a run has the bytes of the wanted content."""

    UNDER_ITS_PATHS = "under its paths"  # and, where it numbers them, its numbers
    IN_ITS_HISTORY = "in its history"  # named by digest


def bytes_location_of(repository: Repository) -> BytesLocation:
    """Say where a repository has the bytes of any of its own versions."""
    numbers = repository.layout is Layout.VERSIONED
    return BytesLocation.UNDER_ITS_PATHS if numbers else BytesLocation.IN_ITS_HISTORY


@dataclass(frozen=True, slots=True)
class WantedContent:
    """What is wanted: rows, where the source has them, and the versions they come from."""

    rows: Iterable[ContentRow]
    lies: BytesLocation
    versions: tuple[tuple[str, int], ...]  # (address, number)
    told: tuple[str, int] | Modification | None = None
    """What tells the rows again when the plan is applied: a whole version, or how they are made."""


def version_content(
    catalog: Catalog, origin: Repository, version: Version, ends: Iterable[Repository]
) -> tuple[Repository, WantedContent]:
    """Return all of a version as content for `ends`, and the repository that it comes from."""
    place = (origin.address, version.number)
    standing = (
        origin.layout is Layout.PATH
        and version.number == catalog.versions.latest(origin.address).number
        and origin.address not in {one.address for one in ends}
    )
    rows = catalog.versions.content(*place)
    if standing:
        return origin, WantedContent(rows, BytesLocation.UNDER_ITS_PATHS, (place,), place)
    return bytes_of(origin), WantedContent(rows, bytes_location_of(origin), (place,), place)


def modified_content(catalog: Catalog, modification: Modification) -> WantedContent:
    """Return the set that a modification makes as content."""
    rows = apply_modification(modification, catalog.versions.content)
    return WantedContent(rows, BytesLocation.IN_ITS_HISTORY, modification.versions, modification)


def missing_paths(
    run: ActiveRun, content: WantedContent, options: Options, given: Iterable[Repository]
) -> list[str]:
    """Return the paths of `content` that are not at the run's destinations and cannot be had."""
    return _lacking(run, plan_content(run, content, options, given))


def apply_content(
    run: ActiveRun, content: WantedContent, options: Options, given: Iterable[Repository]
) -> SyncResult:
    """Make every destination of the run hold `content`, or name what cannot be had.

    Raises:
        BytesMissing: some bytes are nowhere to be had; nothing was touched.
    """
    plan = plan_content(run, content, options, given)
    return _carried_out(run, plan, options)


def apply_stored_plan(
    run: ActiveRun, request: PlanRequest, options: Options, given: Iterable[Repository]
) -> SyncResult:
    """Carry out the stored plan of a set of content, or refuse and name what moved since.

    Raises:
        PlanOutdated: a destination is not any more as it was when the plan was made, or a version
            that the set is made out of was deleted.
        BytesMissing: some bytes are nowhere to be had now; nothing was touched.
    """
    content = _told(run, request)
    recheck_plan(run, request, options, _spooled(run.catalog.spool(), content))
    _let_read(run, content, given)
    return _carried_out(run, run.catalog.plans.get(request.plan_id), options)


def _told(run: ActiveRun, request: PlanRequest) -> WantedContent:
    """Return the content that a stored plan wants, out of the versions that it names."""
    told, source = request.content, run.job.source
    if told is None:
        raise InvalidInput(f"plan {request.plan_id} is not one of a version")
    if isinstance(told, Modification):
        _refuse_deleted(run.catalog, request.plan_id, told.versions)
        return modified_content(run.catalog, told)
    _refuse_deleted(run.catalog, request.plan_id, (told,))
    by_digest = source.address != told[0] or source.layout is Layout.CONTENT
    lies = BytesLocation.IN_ITS_HISTORY if by_digest else BytesLocation.UNDER_ITS_PATHS
    return WantedContent(run.catalog.versions.content(*told), lies, (told,), told)


def _refuse_deleted(catalog: Catalog, plan_id: str, versions: Iterable[tuple[str, int]]) -> None:
    """Raise `PlanOutdated` where versions that a plan needs were deleted since."""
    gone: list[str] = []
    for address, number in versions:
        try:
            catalog.versions.get(address, number)
        except NotRecorded:
            gone.append(f"version {number} of {address!r}")
    if gone:
        why = f"{len(gone)} of the versions that it needs were deleted; make a new one"
        raise PlanOutdated(plan_id, why, tuple(gone), len(gone))


def _carried_out(run: ActiveRun, plan: Plan, options: Options) -> SyncResult:
    refuse_missing_bytes(run, plan)
    return execute_plan(run, plan, options, None)


def refuse_missing_bytes(run: ActiveRun, plan: Plan) -> None:
    """Raise `BytesMissing` where bytes of a plan are nowhere to be had."""
    missing = _lacking(run, plan)
    if missing:
        why = f"the bytes of {len(missing)} files are nowhere to be had"
        named = tuple(repr(path) for path in missing[:NAMED])
        raise BytesMissing(plan.plan_id, why, named, len(missing))


def plan_content(
    run: ActiveRun, content: WantedContent, options: Options, given: Iterable[Repository]
) -> Plan:
    """Store the plan that makes every destination of the run hold `content`."""
    _let_read(run, content, given)
    ends = tuple(reference(one) for one in (run.job.source, *run.job.destinations))
    wanted = _spooled(run.catalog.spool(), content)
    return store_plan(run, wanted, options, ends=ends, content=content.told)


def _let_read(run: ActiveRun, content: WantedContent, given: Iterable[Repository]) -> None:
    """Let the run read every place that is known now to hold bytes of what is wanted.

    And those that are `given`: what stands there under its path may be it, known or not.
    """
    job = run.job
    own = {one.address for one in (job.source, *job.destinations)}
    named = {one.address: one for one in given if one.address not in own}
    near = (job.source, *job.destinations, *named.values())
    held = {
        one: None for version in content.versions for one in run.catalog.holdings.holders(*version)
    }
    known = readable_repositories([one for one in held if one not in own], near)
    there = {one.address for one in known}
    places = (*known, *(one for address, one in named.items() if address not in there))
    run.job = replace(job, places=places, same_paths=frozenset(named))


def _lacking(run: ActiveRun, plan: Plan) -> list[str]:
    return missing_bytes(replace(run.job, plan_id=plan.plan_id)) if plan else []


def _spooled(spool: Spool, content: WantedContent) -> Listing:
    standing = content.lies is BytesLocation.UNDER_ITS_PATHS
    with spool:
        for row in content.rows:
            if row.digest is None and not standing:
                raise InvalidInput(
                    f"{row.path!r} cannot be had: its bytes were listed but never read, so that "
                    "no digest of it is known"
                )
            if standing or row.digest is None:
                spool.add(resource_at(row.path, row, etag=row.etag), row.path)
            else:
                spool.add(resource_at(history_key(row.digest), row), row.path)
        return spool.finish()
