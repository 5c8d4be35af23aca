"""Pages of a tenant's resources and runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from catalog.access.grants import Role
from catalog.model.outcome import Status
from catalog.queries.paging import PageRequest, RunFilter
from catalog.queries.resources.lists import ResourceFilter
from gateway.access.authorization import SomeReader
from gateway.access.visibility import visible_addresses, visible_run
from gateway.api.runs import RunId
from gateway.pages.rendering import PageRoute, page
from gateway.pages.repositories import ROWS, Cursor, Search

router = APIRouter(prefix="/browse/{tenant}", route_class=PageRoute, include_in_schema=False)
STATES = ("running", "completed", "failed", "cancelled")


@router.get("/resources", response_class=Response)
def resources(
    context: SomeReader,
    search: Search = "",
    properties: Annotated[str, Query(max_length=2000)] = "",
    cursor: Cursor = None,
) -> Response:
    """List the latest version of each resource with a prefix."""
    within = context.caller.prefixes(Role.READER)
    where = ResourceFilter(search, properties, count=ROWS, cursor=cursor, within=within)
    found = context.tenant.catalog.resources.page(where)
    return page(
        "resources.html",
        tenant=context.tenant.name,
        found=found,
        search=search,
        properties=properties,
    )


@router.get("/runs", response_class=Response)
def runs(
    context: SomeReader, state: Annotated[str, Query(max_length=40)] = "", cursor: Cursor = None
) -> Response:
    """List the runs, the latest first."""
    where = RunFilter(state or None, within=visible_addresses(context))
    found = context.tenant.catalog.runs.page(where, PageRequest(cursor, ROWS))
    return page("runs.html", tenant=context.tenant.name, found=found, state=state, states=STATES)


@router.get("/runs/{run_id}", response_class=Response)
def run(
    context: SomeReader, run_id: RunId, cursor: Cursor = None, breach: Cursor = None
) -> Response:
    """Show one run: its totals at each destination, and its failures."""
    catalog = context.tenant.catalog
    return page(
        "run.html",
        tenant=context.tenant.name,
        run=visible_run(context, run_id),
        tallies=catalog.runs.tallies(run_id),
        failed=catalog.runs.outcome_page(run_id, Status.FAILED, PageRequest(cursor, ROWS)),
        breaches=catalog.runs.failure_page(run_id, PageRequest(breach, ROWS)),
        breach=breach,
    )
