"""Apply: apply a stored plan exactly, or report what has changed since it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blocks.readable_repositories import readable_repositories
from blocks.repository import Repository
from blocks.resolve import repository
from blocks.webhook import Webhook
from blocks.webhook import webhook as webhook_of
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.plan import PlanRequest
from catalog.settings import Settings
from flows.forms.options import Options
from flows.results.sync import SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.alternates import alternates_of
from flows.runs.planning import execute_plan, recheck_plan, unique_destinations
from flows.runs.verb import verb
from flows.runs.version_plans import apply_stored_plan
from orchestration.run import run_parameters
from tasks.listing.repository import list_to_spool


def _name() -> str:
    return f"apply {str(run_parameters().get('plan_id', ''))[:12]}"


@verb("apply", _name)
def apply(
    plan_id: str,
    *,
    source: Repository | str | None = None,
    destinations: list[Repository | str] | None = None,
    sources: list[Repository | str] | None = None,
    webhook: Webhook | str | None = None,
) -> SyncResult:
    """Apply a stored plan exactly, or refuse and name what has changed since it was made.

    Args:
        plan_id: The plan's id, as `plan` returned it.
        source: The plan's source, if neither a stored block nor its address is enough to open it.
        destinations: The plan's destinations in its order, for the same reason.
        sources: The additional repositories that the plan was made with, for the same reason.
        webhook: Called with the files that each batch stored: a webhook, its block's name or a URL.

    Returns:
        What was done, one row per destination.

    Raises:
        PlanOutdated: a file of the plan changed at the source or a destination, or a version that
            the plan needs was deleted.
        GuardCrossed: the plan crosses its guards; nothing was changed.
        SyncFailed: files failed; the error names them, and delivered files stay.
        NotRecorded: there is no such plan.
    """
    request = Catalog.open(Settings()).plans.request(plan_id)
    options = replace(Options.from_json(request.options), strategy=request.strategy)
    given = [repository(reference) for reference in sources or ()]
    if given and request.content is None:
        raise InvalidInput(
            f"plan {plan_id} is not a plan of versions: `sources` cannot be used with it, "
            f"found {given[0].label!r}"
        )
    origin, ends = _resolve_ends(request, source, destinations)
    receiver = None if webhook is None else webhook_of(webhook)
    with ActiveRun("apply", origin, ends, webhook=receiver) as run:
        if request.content is not None:
            return apply_stored_plan(run, request, options, [origin, *given])
        wanted = list_to_spool(origin, run.job.run_id, "source")
        recheck_plan(run, request, options, wanted)
        run.job = replace(run.job, places=alternates_of(origin))
        return execute_plan(run, run.catalog.plans.get(plan_id), options, None)


def _resolve_ends(
    request: PlanRequest,
    source: Repository | str | None,
    destinations: Sequence[Repository | str] | None,
) -> tuple[Repository, tuple[Repository, ...]]:
    """Return the plan's source and destinations, as given or as stored with the plan."""
    names = request.ends or ("",) * (1 + len(request.targets))
    addresses = (request.source, *(target.address for target in request.targets))
    references = [source or names[0], *(destinations or names[1:])]
    if len(references) != len(addresses):
        raise InvalidInput(
            f"plan {request.plan_id} has {len(addresses) - 1} destinations, found "
            f"{len(references) - 1}"
        )
    ends = [
        _resolve_end(reference, address)
        for reference, address in zip(references[1:], addresses[1:], strict=True)
    ]
    origin = references[0]
    if request.content is not None and not origin:  # usually the history of a destination
        origin = next(iter(readable_repositories((request.source,), ends)), "")
    return _resolve_end(origin, request.source), unique_destinations(ends)


def _resolve_end(reference: Repository | str, address: str) -> Repository:
    if not reference:
        raise InvalidInput(
            f"no stored block has the address {address!r}: store it as a block, or pass the "
            "plan's source and destinations to `apply`"
        )
    end = repository(reference)
    if end.address != address:
        raise InvalidInput(f"the plan was made for {address!r}, found {end.address!r}")
    return end
