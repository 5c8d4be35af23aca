"""The pages of a tenant's resources and runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from catalog.browsing import Asked, RunFilter
from catalog.outcome import Status
from catalog.resources import ResourceFilter
from gateway.context import Reader
from gateway.page_route import PageRoute, page
from gateway.pages import ROWS, Cursor, Search
from gateway.runs import RunId

router = APIRouter(prefix="/browse/{tenant}", route_class=PageRoute, include_in_schema=False)
STATES = ("running", "completed", "failed", "cancelled")


@router.get("/resources", response_class=Response)
def resources(
    context: Reader,
    search: Search = "",
    properties: Annotated[str, Query(max_length=2000)] = "",
    cursor: Cursor = None,
) -> Response:
    """Show the latest version of each resource whose name begins so."""
    where = ResourceFilter(search, properties, count=ROWS, cursor=cursor)
    found = context.tenant.catalog.list_resources(where)
    return page(
        "resources.html",
        tenant=context.tenant.name,
        found=found,
        search=search,
        properties=properties,
    )


@router.get("/runs", response_class=Response)
def runs(
    context: Reader, state: Annotated[str, Query(max_length=40)] = "", cursor: Cursor = None
) -> Response:
    """Show the runs, the latest first."""
    found = context.tenant.catalog.run_page(RunFilter(state or None), Asked(cursor, ROWS))
    return page("runs.html", tenant=context.tenant.name, found=found, state=state, states=STATES)


@router.get("/runs/{run_id}", response_class=Response)
def run(context: Reader, run_id: RunId, cursor: Cursor = None, breach: Cursor = None) -> Response:
    """Show one run: what it did at each destination, and what failed."""
    catalog = context.tenant.catalog
    return page(
        "run.html",
        tenant=context.tenant.name,
        run=catalog.run(run_id),
        tallies=catalog.tallies(run_id),
        failed=catalog.outcome_page(run_id, Status.FAILED, Asked(cursor, ROWS)),
        breaches=catalog.failure_page(run_id, Asked(breach, ROWS)),
        breach=breach,
    )
