"""Which plans and runs a caller may see: those of repositories that it has a role for.

A run between two repositories contains information about both, so it needs a role for both. If its
repositories are unknown or not served, it needs a role for the whole tenant.
"""

from __future__ import annotations

from catalog.access.grants import OfRepository, Role
from catalog.errors import NotRecorded
from catalog.model.modification import Modification
from catalog.model.plan import Plan, PlanRequest
from catalog.model.run import Run
from gateway.access.context import Context


def visible_addresses(context: Context, need: Role = Role.READER) -> tuple[str, ...] | None:
    """Return the addresses of repositories that a caller has a role for; None for all."""
    own = context.caller.repositories(need)
    if own is None:
        return None
    tenant = context.tenant
    found = (tenant.served_or_none(name) for name in tenant.names() if name in own)
    return tuple(one.address for one in found if one is not None)


def visible_run(context: Context, run_id: str) -> Run:
    """Return a run; raise `NotRecorded` if the caller may not see it."""
    found = context.tenant.catalog.runs.get(run_id)
    if not _covers(visible_addresses(context), addresses_of_run(found)):
        raise NotRecorded("run", run_id)
    return found


def visible_plan(
    context: Context, plan_id: str, need: Role = Role.READER
) -> tuple[Plan, PlanRequest]:
    """Return a plan and its request; raise `NotRecorded` if the caller may not see it."""
    catalog = context.tenant.catalog
    found, request = catalog.plans.get(plan_id), catalog.plans.request(plan_id)
    if not _covers(visible_addresses(context, need), addresses_of_plan(found, request)):
        raise NotRecorded("plan", plan_id)
    return found, request


def addresses_of_run(run: Run) -> frozenset[str]:
    """Return the addresses of a run's repositories."""
    return frozenset(run.destinations) | (frozenset() if run.source is None else {run.source})


def addresses_of_plan(plan: Plan, request: PlanRequest) -> frozenset[str]:
    """Return the addresses of a plan's repositories, including those of its source versions."""
    content = request.content
    if isinstance(content, Modification):
        made_of = {address for address, _ in content.versions}
    else:
        made_of = set[str]() if content is None else {content[0]}
    return frozenset({plan.source, *(target.address for target in request.targets), *made_of})


def served_names(context: Context, every: frozenset[str]) -> frozenset[str]:
    """Return the names of served repositories; none if an address is not served."""
    tenant = context.tenant
    served = [
        found for name in tenant.names() if (found := tenant.served_or_none(name)) is not None
    ]
    if not every <= {one.address for one in served}:
        return frozenset()
    return frozenset(one.name for one in served if one.address in every)


def may_see(context: Context, names: frozenset[str], need: Role = Role.READER) -> bool:
    """Return whether a caller has a role for all repositories of a run started here."""
    own = context.caller.repositories(need)
    return own is None or (
        bool(names) and all(context.caller.may(need, OfRepository(name)) for name in names)
    )


def _covers(own: tuple[str, ...] | None, about: frozenset[str]) -> bool:
    return own is None or (bool(about) and about <= set(own))
