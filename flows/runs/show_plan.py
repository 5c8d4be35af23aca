"""Show a plan that was stored, and end the run that made it."""

from __future__ import annotations

from catalog.model.plan import Plan
from catalog.rules.guards import violations
from flows.forms.options import Options
from flows.results.artifacts import show_plan
from flows.results.plan import PlanResult
from flows.runs.active_run import ActiveRun

SHOWN = 50  # rows of the result and of the Prefect artifact


def planned_result(run: ActiveRun, plan: Plan, options: Options) -> PlanResult:
    """Return what a flow that plans returns, shown in Prefect's UI as well."""
    result = PlanResult(
        plan,
        run.job.source.label,
        tuple(one.label for one in run.job.destinations),
        tuple(run.catalog.plans.changes(plan.plan_id, SHOWN)),
        violations(plan.tallies, options.guards),
        run.look_for_gaps(options).open,
    )
    show_plan(result)
    run.end("completed", result.summary(), plan_id=plan.plan_id)
    return result
