"""Apply: carry out a stored plan exactly, or say what has moved since it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from prefect.runtime import flow_run

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
from flows.runs.planning import distinct, execute_plan, recheck_plan
from flows.runs.verb import verb
from flows.runs.version_plans import apply_stored_plan
from tasks.listing.repository import enumerate_repository


def _name() -> str:
    return f"apply {str(dict(flow_run.parameters or {}).get('plan_id', ''))[:12]}"


@verb("apply", _name)
def apply(
    plan_id: str,
    *,
    source: Repository | str | None = None,
    destinations: list[Repository | str] | None = None,
    sources: list[Repository | str] | None = None,
    webhook: Webhook | str | None = None,
) -> SyncResult:
    """Carry out a stored plan exactly, or refuse and name what has moved since it was made.

    Args:
        plan_id: The plan's id, as `plan` returned it.
        source: The plan's source again, where no block and no address alone leads to it.
        destinations: The plan's destinations again, in its order, for the same reason.
        sources: What else the plan was told may hold the bytes of its versions, likewise.
        webhook: Whom to tell what each batch newly stored: a webhook, its block's name or a URL.

    Returns:
        What was done, one row a destination.

    Raises:
        PlanOutdated: a file of the plan changed at the source or a destination, or a version that
            it needs was deleted.
        GuardCrossed: the plan does more than its guards allow; nothing was touched.
        SyncFailed: something failed; it names each item, and what arrived stays.
        NotRecorded: there is no such plan.
    """
    request = Catalog.open(Settings()).plans.request(plan_id)
    options = replace(Options.from_json(request.options), strategy=request.strategy)
    given = [repository(one) for one in sources or ()]
    if given and request.content is None:
        raise InvalidInput(
            f"plan {plan_id} is not one of versions: its source alone has what it moves, "
            f"not {given[0].label!r}"
        )
    origin, ends = _ends(request, source, destinations)
    told = None if webhook is None else webhook_of(webhook)
    with ActiveRun("apply", origin, ends, webhook=told) as run:
        if request.content is not None:
            return apply_stored_plan(run, request, options, [origin, *given])
        wanted = enumerate_repository(origin, run.job.run_id, "source")
        recheck_plan(run, request, options, wanted)
        run.job = replace(run.job, places=alternates_of(origin))
        return execute_plan(run, run.catalog.plans.get(plan_id), options, None)


def _ends(
    request: PlanRequest,
    source: Repository | str | None,
    destinations: Sequence[Repository | str] | None,
) -> tuple[Repository, tuple[Repository, ...]]:
    """Return the plan's ends: those given, or those that it leads to; each must be the same."""
    names = request.ends or ("",) * (1 + len(request.targets))
    wanted = (request.source, *(one.address for one in request.targets))
    given = [source or names[0], *(destinations or names[1:])]
    if len(given) != len(wanted):
        raise InvalidInput(
            f"plan {request.plan_id} has {len(wanted) - 1} destinations, given were "
            f"{len(given) - 1}"
        )
    ends = [_end(one, address) for one, address in zip(given[1:], wanted[1:], strict=True)]
    origin = given[0]
    if request.content is not None and not origin:  # it is the history of one of these, as a rule
        origin = next(iter(readable_repositories((request.source,), ends)), "")
    return _end(origin, request.source), distinct(ends)


def _end(given: Repository | str, address: str) -> Repository:
    if not given:
        raise InvalidInput(
            f"nothing stored leads to {address!r} with its credentials: store it as a block, "
            "or give the plan's source and destinations again"
        )
    end = repository(given)
    if end.address != address:
        raise InvalidInput(f"the plan was made for {address!r}, found {end.address!r}")
    return end
