"""From a wish to a stored plan, and from a plan to its guards: shared by plan, sync and apply."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from blocks.markers import markers_of
from blocks.repository import Layout, Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput, NothingMatched, PlanOutdated
from catalog.inbox.spool import Listing
from catalog.model.digest import TRUSTED
from catalog.model.gap import GAP_ADVICE
from catalog.model.modification import Modification
from catalog.model.plan import BatchLimits, Mode, Plan, PlanRequest, Policy, Strategy, Target
from catalog.rules.guards import violations
from catalog.settings import Settings
from flows.forms.approval import wait_for_approval
from flows.forms.checks import checks
from flows.forms.contracts import usable
from flows.forms.options import Options
from flows.results.sync import SyncFailed, SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.alternates import list_alternates
from flows.runs.listing_gaps import ListingIncomplete, gaps_of, report_gaps
from flows.runs.overlaps import refuse_overlaps
from tasks.job import open_destination, open_source
from tasks.listing.repository import enumerate_repository
from tasks.plan import make_plan
from tasks.publish import check_published
from transfer.batch.delivery import CleanUp, TransferOptions
from transfer.steps.sequence import BuiltInStep, needs_staging, step_sequence
from transfer.user_functions import import_function

MOST_BATCHES = 200  # a run's task runs stay some hundreds, however many files there are


def list_and_plan(run: ActiveRun, options: Options) -> tuple[Plan, int]:
    """List the source, record its version, and store the plan; return both."""
    wanted, version = list_source(run, options)
    return plan_listing(run, wanted, options), version


def list_source(run: ActiveRun, options: Options) -> tuple[Listing, int]:
    """List the source and record its version; return both."""
    source, run_id = run.job.source, run.job.run_id
    checks(options.checks)  # a name that leads nowhere is an error now
    _own_steps(options)
    _possible(run, options)
    refuse_overlaps(source, run.job.destinations, options.selection)
    wanted = enumerate_repository(source, run_id, "source")
    version = run.catalog.versions.record_listing(source.address, wanted, run_id=run_id)
    return wanted, version.number


def plan_listing(run: ActiveRun, wanted: Listing, options: Options) -> Plan:
    """Store the plan that brings what the source lists to the destinations."""
    list_alternates(run)
    ends = tuple(reference(one) for one in (run.job.source, *run.job.destinations))
    return store_plan(run, wanted, options, Settings().trusted_digests, ends)


def store_plan(
    run: ActiveRun,
    wanted: Listing,
    options: Options,
    trusted: tuple[str, ...] = TRUSTED,
    ends: tuple[str, ...] = (),
    content: tuple[str, int] | Modification | None = None,
) -> Plan:
    """Store the plan that brings a listing of the run's source to the run's destinations.

    `trusted` are the algorithms of digests that the listing may declare, `ends` what leads to
    source and destinations again, if the plan is to be applied by its id, and `content` is the
    version (address, number) that the listing is all of, or how it is made out of versions.
    """
    job = run.job
    request = PlanRequest(
        plan_id=uuid4().hex,
        source=job.source.address,
        wanted=wanted.listing_id,
        targets=tuple(target(one, job.run_id, options) for one in job.destinations),
        mode=options.mode,
        policy=options.policy,
        strategy=options.strategy,
        selection=options.selection,
        limits=batch_limits(wanted.count, wanted.bytes, options.batches.files),
        trusted=trusted,
        batch_kept=options.clean_up is CleanUp.REMOVE,
        run_id=job.run_id,
        places=tuple(one.address for one in job.places if one.address != job.source.address),
        ends=ends,
        content=content,
        options=options.to_json(),
    )
    try:
        return make_plan(request, job.run_id)
    except NothingMatched as error:
        found = gaps_of(run.catalog, job.run_id, options)
        if not found.open:
            raise
        report_gaps(job, found)
        raise ListingIncomplete(
            found.open, f"{error}, of what could be seen; {GAP_ADVICE}"
        ) from error


def _possible(run: ActiveRun, options: Options) -> None:
    """Refuse what contradicts itself, before anything is listed."""
    policy = options.policy
    if policy is not Policy.IMMEDIATE:
        if options.clean_up is CleanUp.REMOVE:
            raise InvalidInput(
                f"under the policy {policy.value!r} the bytes stay at the source: "
                "it cannot be cleaned up as well"
            )
        if options.checks or options.steps or options.contracts:
            raise InvalidInput(
                f"under the policy {policy.value!r} no bytes move: there is nothing for checks, "
                "steps or contracts to look at"
            )
        for end in run.job.destinations:
            if end.layout is not Layout.PATH:
                raise InvalidInput(
                    f"under the policy {policy.value!r} the bytes stay at the source: "
                    f"{end.label!r} with the layout {end.layout.value!r} would show what it does "
                    "not hold"
                )
    source = run.job.source
    if options.clean_up is CleanUp.REMOVE and source.layout is not Layout.PATH:
        raise InvalidInput(
            f"files of {source.label!r} with the layout {source.layout.value!r} cannot be removed: "
            "others may share them, or older versions need them"
        )
    if options.clean_up is CleanUp.REMOVE:
        with open_source(source) as opened:
            if not opened.storage.capabilities.writable:
                raise InvalidInput(f"{source.label!r} is read-only: nothing can be removed from it")
    if options.mode is Mode.MIRROR and (unstored := run.catalog.origins.count(source.address)):
        raise InvalidInput(
            f"{source.label!r} lists {unstored} files that it does not store: a mirror of it would "
            "remove them elsewhere; fetch them first"
        )


def _own_steps(options: Options) -> None:
    """Refuse steps that contradict each other, or that lead nowhere."""
    order = step_sequence(options.steps)
    if options.contracts and BuiltInStep.VALIDATE not in order:
        raise InvalidInput("contracts are kept in the step 'validate': it cannot be left out")
    for one in order:
        if not isinstance(one, BuiltInStep):
            import_function(one, "step")


def recheck_plan(run: ActiveRun, request: PlanRequest, options: Options, wanted: Listing) -> None:
    """List the destinations again and make sure that the plan's rows stand on the same ground.

    `wanted` is what is there to be had now.

    Raises:
        PlanOutdated: something moved; it names each row, and nothing was touched.
    """
    targets = tuple(target(one, run.job.run_id, options) for one in run.job.destinations)
    count, moved = run.catalog.plans.recheck(
        replace(request, wanted=wanted.listing_id, targets=targets)
    )
    if count:
        why = f"{count} of its rows moved since; make a new one"
        raise PlanOutdated(request.plan_id, why, moved, count)


def execute_plan(run: ActiveRun, plan: Plan, options: Options, version: int | None) -> SyncResult:
    """Move what the plan says, unless its guards forbid it, and record what became of it."""
    run.look_for_gaps(options)
    wait_for_approval(plan, violations(plan.tallies, options.guards), options.approval)
    own = checks(options.checks)
    usable(options.contracts)
    run.how(
        TransferOptions(
            options.batches.threads or Settings().threads,
            on_error=options.on_error,
            clean_up=options.clean_up,
            history=options.history,
            keep_staged=bool(own) or needs_staging(options.steps),
            contracts=options.contracts,
            strategy=plan.strategy,
        ),
        own,
        options.steps,
    )
    if plan.batches:
        run.move(plan)
    result = run.finish(plan, version, allow_partial=options.allow_partial)
    if result.failures or result.gaps:
        raise SyncFailed(result)
    return result


def reference(repository: Repository) -> str:
    """Return what leads to a repository again: its name, or its address if that says all."""
    if repository.name:
        return repository.name
    other = repository.manifest or repository.mirrors or repository.alternates
    if other or repository.layout is not Layout.PATH:
        return ""
    try:
        again = resolved(repository.address)
    except InvalidInput:
        return ""  # an address that tells too little
    same = (again.settings, again.history, again.layout, again.markers) == (
        repository.settings,
        repository.history,
        repository.layout,
        repository.markers,
    )
    return repository.address if same else ""


def distinct(ends: list[Repository]) -> tuple[Repository, ...]:
    """Return the destinations; none at all, or one of them twice, is an error."""
    if not ends:
        raise InvalidInput("a sync needs at least one destination, found none")
    seen: set[str] = set()
    for one in ends:
        if one.address in seen:
            raise InvalidInput(f"the destination {one.label!r} is given twice")
        seen.add(one.address)
    return tuple(ends)


def target(end: Repository, run_id: str, options: Options) -> Target:
    """Return a destination of a plan, with a fresh listing where that is wanted."""
    with open_destination(end) as opened:
        can = opened.storage.capabilities
    if not can.writable:
        raise InvalidInput(f"{end.label!r} is read-only: it cannot be a destination")
    check_published(end, run_id)
    marking = options.strategy is Strategy.MARKER
    if marking:
        _markable(end, options)
    listing = (
        enumerate_repository(end, run_id, "destination").listing_id if options.listed else None
    )
    markers = (
        enumerate_repository(markers_of(end), run_id, "markers").listing_id if marking else None
    )
    return Target(
        end.address,
        listing,
        match_etags=can.etags,
        tree=can.tree,
        markers=markers,
        layout=end.layout.value,
    )


def _markable(end: Repository, options: Options) -> None:
    """Refuse the strategy `marker` where it cannot be what is meant."""
    strategy = Strategy.MARKER.value
    if end.layout is not Layout.PATH:
        raise InvalidInput(
            f"the strategy {strategy!r} needs files under their paths: {end.label!r} has the "
            f"layout {end.layout.value!r}"
        )
    if options.policy is not Policy.IMMEDIATE:
        raise InvalidInput(
            f"under the policy {options.policy.value!r} no file is stored: the strategy "
            f"{strategy!r} has nothing to mark"
        )
    if not options.listed:
        raise InvalidInput(
            f"the strategy {strategy!r} goes by what lies at the destinations: they are listed"
        )


def batch_limits(count: int, size: int, files: int | None = None) -> BatchLimits:
    """Return batches of some seconds each, or of so many files, and not too many of them."""
    chosen = Settings()
    return BatchLimits(
        max(files or chosen.batch_count, -(-count // MOST_BATCHES)),
        max(chosen.batch_bytes, -(-size // MOST_BATCHES)),
    )
