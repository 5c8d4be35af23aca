"""What a caller may see of plans and runs: those that are about nothing but what the caller may.

A run between two repositories tells of both, so it takes a role in both. What is about none that is
served, or cannot be told of which it is, takes a role in the whole tenant.
"""

from __future__ import annotations

from catalog.access.grants import OfRepository, Role
from catalog.errors import NotRecorded
from catalog.model.modification import Modification
from catalog.model.plan import Plan, PlanRequest
from catalog.model.run import Run
from gateway.access.context import Context


def addresses(context: Context, need: Role = Role.READER) -> tuple[str, ...] | None:
    """Return the addresses of the repositories that a caller has a role in; None: of all."""
    own = context.caller.repositories(need)
    if own is None:
        return None
    tenant = context.tenant
    found = (tenant.usable(name) for name in tenant.names() if name in own)
    return tuple(one.address for one in found if one is not None)


def run_of(context: Context, run_id: str) -> Run:
    """Return a run that the caller may see; any other is as if it were not recorded."""
    found = context.tenant.catalog.runs.get(run_id)
    if not _covers(addresses(context), about_run(found)):
        raise NotRecorded("run", run_id)
    return found


def plan_of(context: Context, plan_id: str, need: Role = Role.READER) -> tuple[Plan, PlanRequest]:
    """Return a plan that the caller may see, and what it was asked for with."""
    catalog = context.tenant.catalog
    found, request = catalog.plans.get(plan_id), catalog.plans.request(plan_id)
    if not _covers(addresses(context, need), about_plan(found, request)):
        raise NotRecorded("plan", plan_id)
    return found, request


def about_run(run: Run) -> frozenset[str]:
    """Return the addresses that a run is about."""
    return frozenset(run.destinations) | (frozenset() if run.source is None else {run.source})


def about_plan(plan: Plan, request: PlanRequest) -> frozenset[str]:
    """Return the addresses that a plan is about, those of the versions that it is made of too."""
    content = request.content
    if isinstance(content, Modification):
        made_of = {address for address, _ in content.versions}
    else:
        made_of = set[str]() if content is None else {content[0]}
    return frozenset({plan.source, *(one.address for one in request.targets), *made_of})


def names_of(context: Context, every: frozenset[str]) -> frozenset[str]:
    """Return the names under which these addresses are served; none where one of them is not."""
    tenant = context.tenant
    served = [found for name in tenant.names() if (found := tenant.usable(name)) is not None]
    if not every <= {one.address for one in served}:
        return frozenset()
    return frozenset(one.name for one in served if one.address in every)


def may_see(context: Context, names: frozenset[str], need: Role = Role.READER) -> bool:
    """Say whether a caller has a role in all that a run, begun here, was said to be about."""
    own = context.caller.repositories(need)
    return own is None or (
        bool(names) and all(context.caller.may(need, OfRepository(name)) for name in names)
    )


def _covers(own: tuple[str, ...] | None, about: frozenset[str]) -> bool:
    return own is None or (bool(about) and about <= set(own))
