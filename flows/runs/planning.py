"""Create, check and execute plans: shared by plan, sync, apply and others."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from blocks.repository import Layout, Repository
from blocks.reserved_folders import markers_folder
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
from flows.forms.checks import load_checks
from flows.forms.contracts import check_contracts
from flows.forms.options import Options
from flows.results.sync import SyncFailed, SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.alternates import list_alternates
from flows.runs.listing_gaps import ListingIncomplete, collect_gaps, report_gaps
from flows.runs.overlaps import refuse_overlaps
from tasks.job import open_destination, open_source
from tasks.listing.repository import list_to_spool
from tasks.plan import make_plan
from tasks.publish import check_published
from transfer.batch.delivery import CleanUp, TransferOptions
from transfer.steps.sequence import BuiltInStep, needs_staging, step_sequence
from transfer.user_functions import import_function

MAX_BATCHES = 200  # keeps a run at a few hundred task runs, however many files there are


def list_and_plan(run: ActiveRun, options: Options) -> tuple[Plan, int]:
    """List the source, record its version, and store the plan; return both."""
    wanted, version = list_source(run, options)
    return plan_listing(run, wanted, options), version


def list_source(run: ActiveRun, options: Options) -> tuple[Listing, int]:
    """List the source and record its version; return both."""
    source, run_id = run.job.source, run.job.run_id
    load_checks(options.checks)  # fail early if a name is unknown
    _check_steps(options)
    _check_options(run, options)
    refuse_overlaps(source, run.job.destinations, options.selection)
    wanted = list_to_spool(source, run_id, "source")
    version = run.catalog.versions.record_listing(source.address, wanted, run_id=run_id)
    return wanted, version.number


def plan_listing(run: ActiveRun, wanted: Listing, options: Options) -> Plan:
    """Store the plan that brings the source's listing to the destinations."""
    list_alternates(run)
    ends = tuple(map(reference_to, (run.job.source, *run.job.destinations)))
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

    `trusted` are the digest algorithms that the listing may declare. `ends` are references to the
    source and the destinations, with which the plan can be applied by its id. `content` is the
    version (address, number) that the listing contains, or the modification that creates it.
    """
    job = run.job
    request = PlanRequest(
        plan_id=uuid4().hex,
        source=job.source.address,
        wanted=wanted.listing_id,
        targets=tuple(create_target(end, job.run_id, options) for end in job.destinations),
        mode=options.mode,
        policy=options.policy,
        strategy=options.strategy,
        selection=options.selection,
        limits=batch_limits(wanted.count, wanted.bytes, options.batches.files),
        trusted=trusted,
        batch_kept=options.clean_up is CleanUp.REMOVE,
        run_id=job.run_id,
        places=tuple(place.address for place in job.places if place.address != job.source.address),
        ends=ends,
        content=content,
        options=options.to_json(),
    )
    try:
        return make_plan(request, job.run_id)
    except NothingMatched as error:
        gaps = collect_gaps(run.catalog, job.run_id, options)
        if not gaps.open:
            raise
        report_gaps(job, gaps)
        raise ListingIncomplete(
            gaps.open, f"{error}, in what could be listed; {GAP_ADVICE}"
        ) from error


def _check_options(run: ActiveRun, options: Options) -> None:
    """Refuse contradictory options before anything is listed."""
    policy = options.policy
    if policy is not Policy.IMMEDIATE:
        if options.clean_up is CleanUp.REMOVE:
            raise InvalidInput(
                f"clean_up cannot be combined with the policy {policy.value!r}, which leaves the "
                "bytes at the source"
            )
        if options.checks or options.steps or options.contracts:
            raise InvalidInput(
                f"checks, steps and contracts cannot be combined with the policy {policy.value!r}, "
                "which moves no bytes"
            )
        for end in run.job.destinations:
            if end.layout is not Layout.PATH:
                raise InvalidInput(
                    f"the policy {policy.value!r} leaves the bytes at the source: {end.label!r} "
                    f"cannot list files that it does not store, since its layout is "
                    f"{end.layout.value!r}"
                )
    source = run.job.source
    if options.clean_up is CleanUp.REMOVE and source.layout is not Layout.PATH:
        raise InvalidInput(
            f"clean_up cannot remove files of {source.label!r}: with the layout "
            f"{source.layout.value!r} other paths or older versions may need them"
        )
    if options.clean_up is CleanUp.REMOVE:
        with open_source(source) as opened:
            if not opened.storage.capabilities.writable:
                raise InvalidInput(f"{source.label!r} is read-only: clean_up cannot remove files")
    if options.mode is Mode.MIRROR and (unstored := run.catalog.origins.count(source.address)):
        raise InvalidInput(
            f"{source.label!r} lists {unstored:,} files that it does not store: a mirror of it "
            "would remove them from the destinations; fetch them first"
        )


def _check_steps(options: Options) -> None:
    """Refuse contradictory steps, and functions that cannot be imported."""
    order = step_sequence(options.steps)
    if options.contracts and BuiltInStep.VALIDATE not in order:
        raise InvalidInput("contracts are checked in the step 'validate': it cannot be left out")
    for step in order:
        if not isinstance(step, BuiltInStep):
            import_function(step, "step")


def recheck_plan(run: ActiveRun, request: PlanRequest, options: Options, wanted: Listing) -> None:
    """List the destinations again and check that nothing the plan depends on has changed.

    `wanted` is the current listing of the source.

    Raises:
        PlanOutdated: something changed; the error names each row, and nothing was changed.
    """
    targets = tuple(create_target(end, run.job.run_id, options) for end in run.job.destinations)
    count, outdated = run.catalog.plans.recheck(
        replace(request, wanted=wanted.listing_id, targets=targets)
    )
    if count:
        why = f"{count:,} of its rows are outdated; make a new plan"
        raise PlanOutdated(request.plan_id, why, outdated, count)


def execute_plan(run: ActiveRun, plan: Plan, options: Options, version: int | None) -> SyncResult:
    """Execute a plan, unless its guards forbid it, and record the result."""
    run.find_gaps(options)
    wait_for_approval(plan, violations(plan.tallies, options.guards), options.approval)
    checks = load_checks(options.checks)
    check_contracts(options.contracts)
    run.configure(
        TransferOptions(
            options.batches.threads or Settings().threads,
            on_error=options.on_error,
            clean_up=options.clean_up,
            history=options.history,
            keep_staged=bool(checks) or needs_staging(options.steps),
            contracts=options.contracts,
            strategy=plan.strategy,
        ),
        checks,
        options.steps,
    )
    if plan.batches:
        run.deliver(plan)
    result = run.finish(plan, version, allow_partial=options.allow_partial)
    if result.failures or result.gaps:
        raise SyncFailed(result)
    return result


def reference_to(repository: Repository) -> str:
    """Return a name or address that resolves to this repository, or '' if there is none."""
    if repository.name:
        return repository.name
    other = repository.manifest or repository.mirrors or repository.alternates
    if other or repository.layout is not Layout.PATH:
        return ""
    try:
        again = resolved(repository.address)
    except InvalidInput:
        return ""  # the address alone is not enough
    same = (again.settings, again.history, again.layout, again.markers) == (
        repository.settings,
        repository.history,
        repository.layout,
        repository.markers,
    )
    return repository.address if same else ""


def unique_destinations(destinations: list[Repository]) -> tuple[Repository, ...]:
    """Return the destinations; raise `InvalidInput` if there is none or one is given twice."""
    if not destinations:
        raise InvalidInput("expected at least one destination, found none")
    seen: set[str] = set()
    for destination in destinations:
        if destination.address in seen:
            raise InvalidInput(f"the destination {destination.label!r} is given twice")
        seen.add(destination.address)
    return tuple(destinations)


def create_target(end: Repository, run_id: str, options: Options) -> Target:
    """Return a destination of a plan, with a new listing unless the options say otherwise."""
    with open_destination(end) as opened:
        capabilities = opened.storage.capabilities
    if not capabilities.writable:
        raise InvalidInput(f"{end.label!r} is read-only: it cannot be a destination")
    check_published(end, run_id)
    marking = options.strategy is Strategy.MARKER
    if marking:
        _check_marker_strategy(end, options)
    listing = list_to_spool(end, run_id, "destination").listing_id if options.listed else None
    markers = list_to_spool(markers_folder(end), run_id, "markers").listing_id if marking else None
    return Target(
        end.address,
        listing,
        match_etags=capabilities.etags,
        tree=capabilities.tree,
        markers=markers,
        layout=end.layout.value,
    )


def _check_marker_strategy(end: Repository, options: Options) -> None:
    """Refuse options and layouts that contradict the strategy `marker`."""
    strategy = Strategy.MARKER.value
    if end.layout is not Layout.PATH:
        raise InvalidInput(
            f"the strategy {strategy!r} needs the layout 'path': {end.label!r} has the layout "
            f"{end.layout.value!r}"
        )
    if options.policy is not Policy.IMMEDIATE:
        raise InvalidInput(
            f"the strategy {strategy!r} cannot be combined with the policy "
            f"{options.policy.value!r}, which stores no file"
        )
    if not options.listed:
        raise InvalidInput(
            f"the strategy {strategy!r} needs a listing of the destinations: leave "
            "list_destinations on"
        )


def batch_limits(count: int, size: int, files: int | None = None) -> BatchLimits:
    """Return limits for batches of a few seconds each, or of `files` files, and not too many."""
    settings = Settings()
    return BatchLimits(
        max(files or settings.batch_count, -(-count // MAX_BATCHES)),
        max(settings.batch_bytes, -(-size // MAX_BATCHES)),
    )
