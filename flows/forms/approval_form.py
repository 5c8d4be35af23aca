"""The form with which a person approves or refuses a plan that crosses its guards.

It is separate from `flows.forms.approval` because importing what it needs of Prefect costs 30 ms
of CPU, and it is rarely used.
"""

from __future__ import annotations

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field

from catalog.errors import GuardCrossed
from catalog.formats.quantities import format_bytes
from catalog.model.plan import Plan

TIMEOUT_S = 24 * 3600
POLL_INTERVAL_S = 5


class Verdict(RunInput):
    """May this plan be applied?"""

    approve: bool = Field(
        default=False, title="Approve", description="Apply the plan although it crosses its guards."
    )
    note: str = Field(default="", title="Note", description="Reason for the decision, for the log.")


def ask_for_approval(plan: Plan, lines: tuple[str, ...]) -> Verdict:
    """Pause the run until somebody answers, for a day at most.

    Raises:
        GuardCrossed: nobody answered in time; nothing was changed.
    """
    try:
        form = _create_form(plan, lines)
        return pause_flow_run(form, timeout=TIMEOUT_S, poll_interval=POLL_INTERVAL_S)
    except FlowPauseTimeout as error:
        raise GuardCrossed(plan.plan_id, "nobody approved it within a day", lines) from error


def _create_form(plan: Plan, lines: tuple[str, ...]) -> type[Verdict]:
    """Return the form that Prefect shows, with the plan's totals above its fields."""
    rows = "\n".join(
        f"| {tally.address} | {tally.add:,} | {tally.replace:,} | {tally.remove:,} "
        f"| {tally.keep:,} | {format_bytes(tally.bytes)} |"
        for tally in plan.tallies
    )
    reasons = "\n".join(f"* {line}" for line in lines)
    return Verdict.with_initial_data(
        description=(
            f"Plan `{plan.plan_id}` from {plan.source} crosses its guards:\n\n{reasons}\n\n"
            "| destination | add | replace | remove | keep | bytes |\n"
            f"|---|---|---|---|---|---|\n{rows}\n"
        )
    )
