"""The form with which a person answers for a plan that crosses its guards.

Apart from `flows.forms.approval`, since what Prefect needs for it costs 30 ms of CPU and is
seldom used.
"""

from __future__ import annotations

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field

from catalog.errors import GuardCrossed
from catalog.model.plan import Plan

PATIENCE_S = 24 * 3600
LOOK_S = 5  # between two looks at the answer


class Verdict(RunInput):
    """May this plan be carried out?"""

    approve: bool = Field(
        default=False, title="Approve", description="Carry the plan out in spite of its guards."
    )
    note: str = Field(default="", title="Note", description="Why, for those who read this later.")


def asked(plan: Plan, lines: tuple[str, ...]) -> Verdict:
    """Pause the run until somebody answers, a day at most.

    Raises:
        GuardCrossed: nobody answered in time; nothing was touched.
    """
    try:
        return pause_flow_run(_form(plan, lines), timeout=PATIENCE_S, poll_interval=LOOK_S)
    except FlowPauseTimeout as error:
        raise GuardCrossed(plan.plan_id, "nobody approved it in time", lines) from error


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
