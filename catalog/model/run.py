"""A run: one execution of a flow, as the catalog remembers it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

SKIPPED = "workflow-skipped"  # the kind of the run of a skipped workflow


@dataclass(frozen=True, slots=True)
class Run:
    """What ran, between which repositories (addresses), and how it ended."""

    run_id: str
    kind: str  # the flow's verb: sync, pull, restore …
    plan_id: str | None = None
    source: str | None = None
    destinations: tuple[str, ...] = ()
    state: str = "running"
    started_at: datetime | None = None  # None: when it was recorded
    ended_at: datetime | None = None
    flow_run_id: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class RunTally:
    """What a run did at one destination."""

    address: str
    added: int = 0
    replaced: int = 0
    removed: int = 0
    kept: int = 0
    failed: int = 0
    bytes: int = 0  # stored
    catalogued: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class PlanRow:
    """What a plan says of one path at one destination, and why."""

    path: str
    destination: str
    action: str
    reason: str
    size: int | None


def skipped_run(workflow: str, file: str) -> Run:
    """Return the failed run that records a skipped workflow, for the metrics.

    The reason is left out, since values of the file may be secrets.
    """
    now = datetime.now(UTC)
    return Run(
        uuid.uuid4().hex,
        SKIPPED,
        state="failed",
        started_at=now,
        ended_at=now,
        message=f"the workflow {workflow!r} of {file!r} was skipped",
    )
