"""Plans whose wanted set is a set of content: what restore, promote and modify have in common.

The bytes come from wherever the catalog knows their digest to lie, verified on the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from blocks.history import bytes_of
from blocks.places import readable
from blocks.repository import Layout, Repository
from catalog.content_set import Modification, made
from catalog.errors import BytesMissing, InvalidInput, NotRecorded, PlanOutdated
from catalog.plan import Mode, Plan, PlanRequest, Selection
from catalog.spool import Listing, Spool
from catalog.store import Catalog
from catalog.version import ContentRow, Version, resource_at
from flows.delivery import Running
from flows.options import Options
from flows.planning import carried_out, rechecked, reference, stored
from flows.result import SyncResult
from providers.keeping import kept_key
from tasks.reach import missing_bytes

NAMED = 100  # paths that an error carries
RESTORING = Options(mode=Mode.MIRROR, selection=Selection(allow_empty=True))


class Lies(Enum):
    """Where the source of a run has the bytes of the wanted content."""

    UNDER_ITS_PATHS = "under its paths"  # and, where it numbers them, its numbers
    IN_ITS_HISTORY = "in its history"  # named by digest


def lies_of(repository: Repository) -> Lies:
    """Say where a repository has the bytes of any of its own versions."""
    numbers = repository.layout is Layout.VERSIONED
    return Lies.UNDER_ITS_PATHS if numbers else Lies.IN_ITS_HISTORY


@dataclass(frozen=True, slots=True)
class Content:
    """What is wanted: rows, where the source has them, and the versions they come from."""

    rows: Iterable[ContentRow]
    lies: Lies
    versions: tuple[tuple[str, int], ...]  # (address, number)
    told: tuple[str, int] | Modification | None = None
    """What tells the rows again when the plan is applied: a whole version, or how they are made."""


def whole(
    catalog: Catalog, origin: Repository, version: Version, ends: Iterable[Repository]
) -> tuple[Repository, Content]:
    """Return all of a version as content for `ends`, and the repository that it comes from."""
    place = (origin.address, version.number)
    standing = (
        origin.layout is Layout.PATH
        and version.number == catalog.latest(origin.address).number
        and origin.address not in {one.address for one in ends}
    )
    rows = catalog.content(*place)
    if standing:
        return origin, Content(rows, Lies.UNDER_ITS_PATHS, (place,), place)
    return bytes_of(origin), Content(rows, lies_of(origin), (place,), place)


def made_of(catalog: Catalog, modification: Modification) -> Content:
    """Return the set that a modification makes as content."""
    rows = made(modification, catalog.content)
    return Content(rows, Lies.IN_ITS_HISTORY, modification.versions, modification)


def lacking(
    run: Running, content: Content, options: Options, given: Iterable[Repository]
) -> list[str]:
    """Return the paths of `content` that are not at the run's destinations and cannot be had."""
    return _lacking(run, prepared(run, content, options, given))


def brought_about(
    run: Running, content: Content, options: Options, given: Iterable[Repository]
) -> SyncResult:
    """Make every destination of the run hold `content`, or name what cannot be had.

    Raises:
        BytesMissing: some bytes are nowhere to be had; nothing was touched.
    """
    plan = prepared(run, content, options, given)
    return _carried_out(run, plan, options)


def applied(
    run: Running, request: PlanRequest, options: Options, given: Iterable[Repository]
) -> SyncResult:
    """Carry out the stored plan of a set of content, or refuse and name what moved since.

    Raises:
        PlanOutdated: a destination is not any more as it was when the plan was made, or a version
            that the set is made out of was deleted.
        BytesMissing: some bytes are nowhere to be had now; nothing was touched.
    """
    content = _told(run, request)
    rechecked(run, request, options, _spooled(run.catalog.spool(), content))
    _let_read(run, content, given)
    return _carried_out(run, run.catalog.plan(request.plan_id), options)


def _told(run: Running, request: PlanRequest) -> Content:
    """Return the content that a stored plan wants, out of the versions that it names."""
    told, source = request.content, run.job.source
    if told is None:
        raise InvalidInput(f"plan {request.plan_id} is not one of a version")
    if isinstance(told, Modification):
        _refuse_deleted(run.catalog, request.plan_id, told.versions)
        return made_of(run.catalog, told)
    _refuse_deleted(run.catalog, request.plan_id, (told,))
    by_digest = source.address != told[0] or source.layout is Layout.CONTENT
    lies = Lies.IN_ITS_HISTORY if by_digest else Lies.UNDER_ITS_PATHS
    return Content(run.catalog.content(*told), lies, (told,), told)


def _refuse_deleted(catalog: Catalog, plan_id: str, versions: Iterable[tuple[str, int]]) -> None:
    """Raise `PlanOutdated` where versions that a plan needs were deleted since."""
    gone: list[str] = []
    for address, number in versions:
        try:
            catalog.version(address, number)
        except NotRecorded:
            gone.append(f"version {number} of {address!r}")
    if gone:
        why = f"{len(gone)} of the versions that it needs were deleted; make a new one"
        raise PlanOutdated(plan_id, why, tuple(gone), len(gone))


def _carried_out(run: Running, plan: Plan, options: Options) -> SyncResult:
    refuse_lacking(run, plan)
    return carried_out(run, plan, options, None)


def refuse_lacking(run: Running, plan: Plan) -> None:
    """Raise `BytesMissing` where bytes of a plan are nowhere to be had."""
    missing = _lacking(run, plan)
    if missing:
        why = f"the bytes of {len(missing)} files are nowhere to be had"
        named = tuple(repr(path) for path in missing[:NAMED])
        raise BytesMissing(plan.plan_id, why, named, len(missing))


def prepared(run: Running, content: Content, options: Options, given: Iterable[Repository]) -> Plan:
    """Store the plan that makes every destination of the run hold `content`."""
    _let_read(run, content, given)
    ends = tuple(reference(one) for one in (run.job.source, *run.job.destinations))
    wanted = _spooled(run.catalog.spool(), content)
    return stored(run, wanted, options, ends=ends, content=content.told)


def _let_read(run: Running, content: Content, given: Iterable[Repository]) -> None:
    """Let the run read every place that is known now to hold bytes of what is wanted.

    And those that are `given`: what stands there under its path may be it, known or not.
    """
    job = run.job
    own = {one.address for one in (job.source, *job.destinations)}
    named = {one.address: one for one in given if one.address not in own}
    near = (job.source, *job.destinations, *named.values())
    held = {one: None for version in content.versions for one in run.catalog.holders(*version)}
    known = readable([one for one in held if one not in own], near)
    there = {one.address for one in known}
    places = (*known, *(one for address, one in named.items() if address not in there))
    run.job = replace(job, places=places, same_paths=frozenset(named))


def _lacking(run: Running, plan: Plan) -> list[str]:
    return missing_bytes(replace(run.job, plan_id=plan.plan_id)) if plan else []


def _spooled(spool: Spool, content: Content) -> Listing:
    standing = content.lies is Lies.UNDER_ITS_PATHS
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
                spool.add(resource_at(kept_key(row.digest), row), row.path)
        return spool.finish()
