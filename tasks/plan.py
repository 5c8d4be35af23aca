"""Plan: decide what a run will do, and store it before anything is touched."""

from __future__ import annotations

from catalog.model.plan import Plan, PlanRequest
from orchestration.task import task
from tasks.job import run_resources


@task("plan")
def make_plan(request: PlanRequest, run_id: str) -> Plan:
    """Decide and store the plan for `request`, and return its summary."""
    return run_resources(run_id).catalog.plans.make(request)
