"""Show a plan that was stored, and end the run that made it."""

from __future__ import annotations

from catalog.guards import crossed
from catalog.plan import Plan
from flows.artifacts import show_plan
from flows.delivery import Running
from flows.options import Options
from flows.plan_result import PlanResult

SHOWN = 50  # rows of the result and of the Prefect artifact


def planned_result(run: Running, plan: Plan, options: Options) -> PlanResult:
    """Return what a flow that plans returns, shown in Prefect's UI as well."""
    result = PlanResult(
        plan,
        run.job.source.label,
        tuple(one.label for one in run.job.destinations),
        tuple(run.catalog.changes(plan.plan_id, SHOWN)),
        crossed(plan.tallies, options.guards),
    )
    show_plan(result)
    run.end("completed", result.summary(), plan_id=plan.plan_id)
    return result
