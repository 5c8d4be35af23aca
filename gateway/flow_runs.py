"""Runs by Prefect over HTTP: how far each is, what came of it, its end where that is wished."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from prefect.client.schemas.objects import FlowRun, StateType
from pydantic import Field

from catalog.browsing import RunFilter
from catalog.cursor import decoded, encoded
from catalog.run import Run
from gateway import answers
from gateway.answers import Told, told
from gateway.context import Admin, Reader, Writer
from gateway.paging import Moment, Paging
from gateway.prefect_runs import ENDED, FLOW, MOST, PrefectRuns
from gateway.strict import Strict

router = APIRouter(prefix="/v1/{tenant}/flow-runs", tags=["runs"])
FlowRunId = Annotated[UUID, Path(description="The id that the start of the run answered.")]
LARGEST = 200  # of a page, as Prefect allows


class RunState(StrEnum):
    """The states of Prefect."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    PAUSED = "paused"
    CANCELLING = "cancelling"

    def prefect(self) -> StateType:
        """Return Prefect's own."""
        return StateType(self.value.upper())


class FlowRuns(Paging):
    """Which runs a list has."""

    state: list[RunState] = Field(
        default_factory=list[RunState], description="Their state; repeatable."
    )
    limit: int = Field(default=100, ge=1, le=LARGEST, description="Rows of one page.")


class Purge(Strict):
    """Which ended runs are deleted."""

    before: Moment = Field(description="Runs that ended before this moment; without a zone UTC.")
    state: list[RunState] = Field(
        default_factory=list[RunState], description="How they ended; by default in any way."
    )


@router.get("")
def list_flow_runs(context: Reader, query: Annotated[FlowRuns, Query()]) -> Told:
    """List the runs of this tenant that were started here, the latest first."""
    offset = 0
    if query.cursor is not None:
        offset = max(0, int(decoded(query.cursor, int)[0]))
    states = [one.prefect() for one in query.state]
    found = PrefectRuns(context.tenant.name).every(states, query.limit, offset)
    shown: Told = {"flow_runs": [facts(one) for one in found]}
    more = len(found) == query.limit
    return {**shown, "next": encoded(offset + len(found))} if more else shown


@router.get("/{flow_run_id}")
def flow_run(context: Reader, flow_run_id: FlowRunId) -> Told:
    """Return a run: its state, how far it is, and what the catalog knows came of it."""
    runs = PrefectRuns(context.tenant.name)
    found = runs.find(flow_run_id)
    progress = runs.progress(flow_run_id)
    catalog = context.tenant.catalog
    recorded = catalog.run_page(RunFilter(flow_run_id=str(flow_run_id))).rows
    results = [
        {**answers.run(one), "tallies": [answers.tally(t) for t in catalog.tallies(one.run_id)]}
        for one in recorded
    ]
    return {"run": facts(found, recorded[:1]), "progress": told(progress), "results": results}


@router.post("/{flow_run_id}/cancel", status_code=202)
def cancel(context: Writer, flow_run_id: FlowRunId) -> Told:
    """Ask for the end of a run: it stops after what it is about, and leaves nothing half done."""
    return {"run": facts(PrefectRuns(context.tenant.name).cancel(flow_run_id))}


@router.delete("")
def purge(context: Admin, query: Annotated[Purge, Query()]) -> Told:
    """Delete runs that ended from Prefect; what the catalog remembers of them stays."""
    states = [one.prefect() for one in query.state if one.prefect() in ENDED]
    if query.state and not states:
        return {"deleted": 0, "more": False}
    deleted = PrefectRuns(context.tenant.name).purge(query.before, states)
    return {"deleted": deleted, "more": deleted >= MOST}


def facts(run: FlowRun, recorded: tuple[Run, ...] = ()) -> Told:
    """Return what is told of a run; `run_id` is the catalog's, once it has begun."""
    state = run.state
    return told(
        {
            "flow_run_id": run.id,
            "run_id": recorded[0].run_id if recorded else None,
            "flow": run.labels.get(FLOW),
            "name": run.name,
            "state": state.name if state else None,
            "message": recorded[0].message if recorded else None,
            "created": run.created,
            "started": run.start_time,
            "ended": run.end_time,
        }
    )
