"""Ask a person, in Prefect's UI, whether a plan that crosses its guards may be carried out."""

from __future__ import annotations

from enum import StrEnum

from prefect.logging import get_run_logger

from catalog.errors import GuardCrossed
from catalog.model.plan import Plan
from catalog.rules.guards import GuardViolation
from flows.results.events import plan_guarded


class Approval(StrEnum):
    """What happens to a plan that crosses a guard."""

    FAIL = "fail"
    ASK = "ask"


def wait_for_approval(plan: Plan, crossed: tuple[GuardViolation, ...], approval: Approval) -> None:
    """Return when the plan may go on: at once, or after a person said so.

    Raises:
        GuardCrossed: it may not; nothing was touched.
    """
    if not crossed:
        return
    lines = tuple(str(one) for one in crossed)
    plan_guarded(plan, lines)
    if approval is Approval.FAIL:
        raise GuardCrossed(plan.plan_id, "it crosses its guards", lines)
    get_run_logger().warning("plan %s waits for approval: %s", plan.plan_id, "; ".join(lines))
    from flows.forms.approval_form import asked  # noqa: PLC0415 - see there

    verdict = asked(plan, lines)
    if not verdict.approve:
        raise GuardCrossed(plan.plan_id, f"refused: {verdict.note or 'no reason'}", lines)
    get_run_logger().info("plan %s was approved: %s", plan.plan_id, verdict.note or "no note")
