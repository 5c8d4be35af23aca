"""Start runs over HTTP: sync, plan, restore, verify, apply, and any deployed flow for an admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Response

from blocks.resolve import repository as resolved
from catalog.errors import CatalogError
from catalog.token import Role
from gateway.answers import Told
from gateway.context import Admin, Context, Writer
from gateway.flow_runs import facts
from gateway.plans import PlanId
from gateway.prefect_runs import PrefectRuns
from gateway.replies import Refused
from gateway.repositories import Name
from gateway.run_parameters import Allowed, parameters
from gateway.tenants import Served, Tenant

router = APIRouter(prefix="/v1/{tenant}", tags=["runs"])
Given = Annotated[
    dict[str, Any] | None,
    Body(description="The flow's parameters; repositories by the names they are served under."),
]
Flow = Annotated[
    str,
    Path(description="A deployed flow, as prefect.yaml names it.", pattern="^[a-z][a-z-]{0,60}$"),
]


class Verb(StrEnum):
    """What may be started of one repository."""

    SYNC = "sync"
    PLAN = "plan"
    RESTORE = "restore"
    VERIFY = "verify"


FILLED = {Verb.SYNC: "source", Verb.PLAN: "source"}
"""The parameter that the repository of the path is, where that is not `repository`."""


def _starter(verb: Verb) -> Callable[..., Told]:
    def start(context: Writer, name: Name, response: Response, given: Given = None) -> Told:
        own = {FILLED.get(verb, "repository"): reference(context.tenant, name)}
        return _started(context, response, verb, given or {}, own)

    whose = FILLED.get(verb, "repository")
    start.__doc__ = f"Start a run of `{verb}`, with this repository as its `{whose}`."
    return start


for _verb in Verb:  # a route each: one for all would answer to what is no verb, too
    _path = f"/repositories/{{name}}/{_verb}"
    router.add_api_route(_path, _starter(_verb), methods=["POST"], status_code=202, name=_verb)


@router.post("/plans/{plan_id}/apply", status_code=202)
def apply(context: Writer, plan_id: PlanId, response: Response, given: Given = None) -> Told:
    """Start a run that carries out a stored plan exactly."""
    plan = context.tenant.catalog.plan(plan_id)
    return _started(context, response, "apply", given or {}, {"plan_id": plan.plan_id})


@router.post("/flows/{flow}/runs", status_code=202)
def start_flow(context: Admin, flow: Flow, response: Response, given: Given = None) -> Told:
    """Start a run of any deployed flow."""
    return _started(context, response, flow, given or {}, {})


def _started(
    context: Context,
    response: Response,
    flow: str,
    given: Mapping[str, Any],
    filled: Mapping[str, str],
) -> Told:
    tenant = context.tenant
    may = Allowed(
        _references(tenant),
        admin=context.caller.role.allows(Role.ADMIN),
        shared=len(context.gateway.config.tenants) > 1,
    )
    run = PrefectRuns(tenant.name).start(flow, parameters(flow, given, filled, may))
    response.headers["Location"] = f"/v1/{tenant.name}/flow-runs/{run.id}"
    return {"run": facts(run)}


def _references(tenant: Tenant) -> Callable[[str], str]:
    return lambda name: reference(tenant, name)


def reference(tenant: Tenant, name: str) -> str:
    """Return what leads a worker to a repository: its block's name, or its address or text.

    None of them holds a secret: Prefect shows parameters to whoever sees the run.

    Raises:
        RepositoryNotFound: the tenant has no repository so named.
        Refused: 409 where only what the gateway's file says leads to it.
    """
    served = tenant.served(name)
    if served.repository.name:
        return served.repository.name
    for text in (served.address, served.config.repository):
        if isinstance(text, str) and _leads(text, served):
            return text
    raise Refused(
        409,
        f"a worker cannot be led to {name!r}: store it as a block, and serve that",
        kind="NotStored",
    )


def _leads(text: str, served: Served) -> bool:
    try:
        return resolved(text) == served.repository
    except CatalogError:
        return False
