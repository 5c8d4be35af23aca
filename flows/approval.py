"""Ask a person, in Prefect's UI, whether a plan that crosses its guards may be carried out."""

from __future__ import annotations

from enum import StrEnum

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.logging import get_run_logger
from pydantic import Field

from catalog.errors import GuardCrossed
from catalog.guards import Crossed
from catalog.plan import Plan

PATIENCE_S = 24 * 3600
LOOK_S = 5  # between two looks at the answer


class Approval(StrEnum):
    """What happens to a plan that crosses a guard."""

    FAIL = "fail"
    ASK = "ask"


class Verdict(RunInput):
    """May this plan be carried out?"""

    approve: bool = Field(
        default=False, title="Approve", description="Carry the plan out in spite of its guards."
    )
    note: str = Field(default="", title="Note", description="Why, for those who read this later.")


def approved(plan: Plan, crossed: tuple[Crossed, ...], approval: Approval) -> None:
    """Return when the plan may go on: at once, or after a person said so.

    Raises:
        GuardCrossed: it may not; nothing was touched.
    """
    if not crossed:
        return
    lines = tuple(str(one) for one in crossed)
    if approval is Approval.FAIL:
        raise GuardCrossed(plan.plan_id, "it crosses its guards", lines)
    get_run_logger().warning("plan %s waits for approval: %s", plan.plan_id, "; ".join(lines))
    try:
        verdict = pause_flow_run(_form(plan, lines), timeout=PATIENCE_S, poll_interval=LOOK_S)
    except FlowPauseTimeout as error:
        raise GuardCrossed(plan.plan_id, "nobody approved it in time", lines) from error
    if not verdict.approve:
        raise GuardCrossed(plan.plan_id, f"refused: {verdict.note or 'no reason'}", lines)
    get_run_logger().info("plan %s was approved: %s", plan.plan_id, verdict.note or "no note")


def _form(plan: Plan, lines: tuple[str, ...]) -> type[Verdict]:
    """Return the form that Prefect shows, with the numbers above its fields."""
    rows = "\n".join(
        f"| {one.address} | {one.add} | {one.replace} | {one.remove} | {one.keep} | {one.bytes} |"
        for one in plan.tallies
    )
    told = "\n".join(f"* {line}" for line in lines)
    return Verdict.with_initial_data(
        description=(
            f"Plan `{plan.plan_id}` from {plan.source} crosses its guards:\n\n{told}\n\n"
            "| destination | add | replace | remove | keep | bytes |\n"
            f"|---|---|---|---|---|---|\n{rows}\n"
        )
    )
