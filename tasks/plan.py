"""Plan: decide what a run will do, and store it before anything is touched."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from catalog.model.plan import Plan, PlanRequest
from tasks.job import run_resources


@task(task_run_name="plan", cache_policy=NO_CACHE, persist_result=False)
def make_plan(request: PlanRequest, run_id: str) -> Plan:
    """Decide and store the plan for `request`, and return its summary."""
    return run_resources(run_id).catalog.plans.make(request)
