"""Publish a stored plan, and end the run that made it."""

from __future__ import annotations

from catalog.model.plan import Plan
from catalog.rules.guards import violations
from flows.forms.options import Options
from flows.results.artifacts import show_plan
from flows.results.plan import PlanResult
from flows.runs.active_run import ActiveRun

MAX_ROWS = 50  # of the result and of the Prefect artifact


def finish_plan(run: ActiveRun, plan: Plan, options: Options) -> PlanResult:
    """Publish a plan in Prefect's UI, end the run, and return the plan as a result."""
    result = PlanResult(
        plan,
        run.job.source.label,
        tuple(destination.label for destination in run.job.destinations),
        tuple(run.catalog.plans.changes(plan.plan_id, MAX_ROWS)),
        violations(plan.tallies, options.guards),
        run.find_gaps(options).open,
    )
    show_plan(result)
    run.end("completed", result.summary(), plan_id=plan.plan_id)
    return result
