"""Stored plans over HTTP: what each would do, what it costs, and why, path by path."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from catalog.guards import Guards, crossed
from catalog.plan import Action
from gateway import answers
from gateway.answers import Told
from gateway.context import Reader
from gateway.paging import Paging

router = APIRouter(prefix="/v1/{tenant}/plans", tags=["plans"])
PlanId = Annotated[str, Path(description="The plan's id.", max_length=200)]
CHANGES = (Action.ADD, Action.REPLACE, Action.REMOVE)


class Rows(Paging):
    """Which rows of a plan are listed."""

    action: list[Action] = Field(
        default_factory=list[Action],
        description="Rows that ask for this; repeatable. By default all but those that keep.",
    )


@router.get("/{plan_id}")
def plan(context: Reader, plan_id: PlanId) -> Told:
    """Return a plan: totals for each destination, its cost, and the guards that it crosses."""
    found = context.tenant.catalog.plan(plan_id)
    options = json.loads(context.tenant.catalog.request(plan_id).options)
    guards = Guards(**options["guards"]) if options.get("guards") else Guards()
    return answers.plan(found, [str(one) for one in crossed(found.tallies, guards)])


@router.get("/{plan_id}/rows")
def rows(context: Reader, plan_id: PlanId, query: Annotated[Rows, Query()]) -> Told:
    """Return what a plan says of each path, and why, by path."""
    actions = query.action or CHANGES
    found = context.tenant.catalog.plan_page(plan_id, actions, query.asked())
    return answers.page(found, "rows", answers.plan_row)
