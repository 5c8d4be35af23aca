"""Starts runs over HTTP: sync, plan, restore, verify, apply, and for admins any deployed flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Response

from blocks.resolve import repository as resolved
from catalog.access.grants import OfRepository, OfTenant, Role
from catalog.errors import CatalogError
from gateway.access.authorization import Admin, RepositoryWriter, SomeWriter
from gateway.access.context import Context
from gateway.access.tenants import ServedRepository, Tenant
from gateway.access.visibility import addresses_of_plan, served_names, visible_plan
from gateway.api.flow_runs import facts
from gateway.api.plans import PlanId
from gateway.api.prefect_client import PrefectRuns
from gateway.api.repositories import Name
from gateway.api.run_parameters import RunPermissions, parameters
from gateway.api.serializers import Json
from gateway.http.errors import RequestRefused
from gateway.limits.slots import without_slot

router = APIRouter(prefix="/v1/{tenant}", tags=["runs"])
Given = Annotated[
    dict[str, Any] | None,
    Body(description="Parameters of the flow; repositories by their served names."),
]
Flow = Annotated[
    str,
    Path(description="Name of a deployed flow in prefect.yaml.", pattern="^[a-z][a-z-]{0,60}$"),
]


class Verb(StrEnum):
    """The runs that can be started for one repository."""

    SYNC = "sync"
    PLAN = "plan"
    RESTORE = "restore"
    VERIFY = "verify"


FILLED = {Verb.SYNC: "source", Verb.PLAN: "source"}
"""The parameter for the repository in the path, if it is not `repository`."""


def _starter(verb: Verb) -> Callable[..., Json]:
    def start(
        context: RepositoryWriter, name: Name, response: Response, given: Given = None
    ) -> Json:
        own = {FILLED.get(verb, "repository"): reference(context.tenant, name)}
        return _start_run(context, response, verb, given or {}, own, {name})

    whose = FILLED.get(verb, "repository")
    without_slot(start)
    start.__doc__ = f"Start a run of `{verb}`, with this repository as its `{whose}`."
    return start


for _verb in Verb:  # one route each, because a single one would match other words, too
    _path = f"/repositories/{{name}}/{_verb}"
    router.add_api_route(_path, _starter(_verb), methods=["POST"], status_code=202, name=_verb)


@router.post("/plans/{plan_id}/apply", status_code=202)
@without_slot
def apply(context: SomeWriter, plan_id: PlanId, response: Response, given: Given = None) -> Json:
    """Start a run that applies exactly a stored plan."""
    plan, request = visible_plan(context, plan_id, Role.WRITER)
    names = served_names(context, addresses_of_plan(plan, request))
    return _start_run(context, response, "apply", given or {}, {"plan_id": plan.plan_id}, names)


@router.post("/flows/{flow}/runs", status_code=202)
@without_slot
def start_flow(context: Admin, flow: Flow, response: Response, given: Given = None) -> Json:
    """Start a run of any deployed flow."""
    return _start_run(context, response, flow, given or {}, {})


def _start_run(
    context: Context,
    response: Response,
    flow: str,
    given: Mapping[str, Any],
    filled: Mapping[str, str],
    names: Iterable[str] = (),
) -> Json:
    tenant, about = context.tenant, set(names)

    def resolve_reference(name: str) -> str:
        context.check(Role.WRITER, OfRepository(name))
        about.add(name)
        return reference(tenant, name)

    may = RunPermissions(
        resolve_reference,
        admin=context.caller.may(Role.ADMIN, OfTenant()),
        shared=len(context.gateway.config.tenants) > 1,
    )
    run = PrefectRuns(tenant.name).start(flow, parameters(flow, given, filled, may), about)
    response.headers["Location"] = f"/v1/{tenant.name}/flow-runs/{run.id}"
    return {"run": facts(run)}


def reference(tenant: Tenant, name: str) -> str:
    """Return a reference to a repository for a worker: its block's name, or its address or text.

    None of them contains a secret, because Prefect shows parameters to everyone who sees the run.

    Raises:
        RepositoryNotFound: the tenant has no repository with this name.
        Refused: 409 if only the gateway's configuration has its settings.
    """
    served = tenant.served(name)
    if served.repository.name:
        return served.repository.name
    for text in (served.address, served.config.repository):
        if isinstance(text, str) and _resolves_to(text, served):
            return text
    raise RequestRefused(
        409,
        f"workers cannot open {name!r}, which is configured in the gateway only: store it as a "
        "block, and serve the block",
        kind="NotStored",
    )


def _resolves_to(text: str, served: ServedRepository) -> bool:
    try:
        return resolved(text) == served.repository
    except CatalogError:
        return False
