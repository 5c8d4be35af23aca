"""Let a person approve, in Prefect's UI, a plan that crosses its guards."""

from __future__ import annotations

from enum import StrEnum

from catalog.errors import GuardCrossed
from catalog.model.plan import Plan
from catalog.rules.guards import GuardViolation
from flows.results.events import emit_plan_guarded
from orchestration.mode import uses_prefect
from orchestration.run import run_logger


class Approval(StrEnum):
    """What happens to a plan that crosses a guard."""

    FAIL = "fail"
    ASK = "ask"


def wait_for_approval(
    plan: Plan, violations: tuple[GuardViolation, ...], approval: Approval
) -> None:
    """Return when the plan may be applied: at once, or after a person approved it.

    Raises:
        GuardCrossed: it may not be applied; nothing was changed.
    """
    if not violations:
        return
    lines = tuple(map(str, violations))
    emit_plan_guarded(plan, lines)
    if approval is Approval.FAIL:
        raise GuardCrossed(plan.plan_id, "it crosses its guards", lines)
    if not uses_prefect():
        raise GuardCrossed(
            plan.plan_id,
            "it crosses its guards, and nobody can be asked without a Prefect server",
            lines,
        )
    run_logger().warning("plan %s waits for approval: %s", plan.plan_id, "; ".join(lines))
    from flows.forms.approval_form import ask_for_approval  # noqa: PLC0415 - see there

    verdict = ask_for_approval(plan, lines)
    if not verdict.approve:
        raise GuardCrossed(plan.plan_id, f"refused: {verdict.note or 'no reason given'}", lines)
    run_logger().info("plan %s was approved: %s", plan.plan_id, verdict.note or "no note")
