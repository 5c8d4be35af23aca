"""Plan: decide what a run will do, and store it before anything is touched."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from catalog.plan import Plan, PlanRequest
from tasks.job import shared


@task(task_run_name="plan", cache_policy=NO_CACHE, persist_result=False)
def make_plan(request: PlanRequest, run_id: str) -> Plan:
    """Store the plan that `request` decides and return what it says in sum."""
    return shared(run_id).catalog.make_plan(request)
