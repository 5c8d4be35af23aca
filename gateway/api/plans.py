"""Stored plans over HTTP: their changes and reasons by path, and their cost."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from catalog.model.plan import Action
from catalog.rules.guards import Guards, violations
from gateway.access.authorization import SomeReader
from gateway.access.visibility import visible_plan
from gateway.api import serializers
from gateway.api.serializers import Json
from gateway.http.request_models import Paging

router = APIRouter(prefix="/v1/{tenant}/plans", tags=["plans"])
PlanId = Annotated[str, Path(description="The plan's id.", max_length=200)]
CHANGES = (Action.ADD, Action.REPLACE, Action.REMOVE)


class Rows(Paging):
    """Query parameters for rows of a plan."""

    action: list[Action] = Field(
        default_factory=list[Action],
        description="Action of the rows; repeatable. By default all but keep.",
    )


@router.get("/{plan_id}")
def plan(context: SomeReader, plan_id: PlanId) -> Json:
    """Return a plan: totals by destination, its cost, and the guards it violates."""
    found, request = visible_plan(context, plan_id)
    options = json.loads(request.options)
    guards = Guards(**options["guards"]) if options.get("guards") else Guards()
    return serializers.plan(found, [str(one) for one in violations(found.tallies, guards)])


@router.get("/{plan_id}/rows")
def rows(context: SomeReader, plan_id: PlanId, query: Annotated[Rows, Query()]) -> Json:
    """Return the rows of a plan with their reasons, by path."""
    visible_plan(context, plan_id)
    actions = query.action or CHANGES
    found = context.tenant.catalog.plans.page(plan_id, actions, query.page_request())
    return serializers.page(found, "rows", serializers.plan_row)
