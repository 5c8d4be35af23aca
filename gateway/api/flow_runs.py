"""Prefect's flow runs over HTTP: their progress, results, and cancellation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from prefect.client.schemas.objects import FlowRun, StateType
from pydantic import Field

from catalog.access.grants import Role
from catalog.model.run import Run
from catalog.queries.cursors import decode_cursor, encode_cursor
from catalog.queries.paging import RunFilter
from gateway.access.authorization import Admin, SomeReader, SomeWriter
from gateway.access.context import Context
from gateway.access.visibility import may_see
from gateway.api import serializers
from gateway.api.prefect_client import ENDED, FLOW, HIDDEN, MAX_PURGED, PrefectRuns, repositories_of
from gateway.api.serializers import Json, to_json
from gateway.http.errors import RequestRefused
from gateway.http.request_models import Moment, Paging, StrictModel
from gateway.limits.slots import without_slot

router = APIRouter(prefix="/v1/{tenant}/flow-runs", tags=["runs"])
FlowRunId = Annotated[UUID, Path(description="The id returned when the run was started.")]
MAX_PAGE = 200  # Prefect's limit


class RunState(StrEnum):
    """Prefect's states."""

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
        """Return Prefect's type."""
        return StateType(self.value.upper())


class FlowRuns(Paging):
    """Query parameters for lists of flow runs."""

    state: list[RunState] = Field(
        default_factory=list[RunState], description="State of the runs; repeatable."
    )
    limit: int = Field(default=100, ge=1, le=MAX_PAGE, description="Runs per page.")


class Purge(StrictModel):
    """Which ended runs to delete."""

    before: Moment = Field(
        description="Delete runs that ended before this time; UTC without a zone."
    )
    state: list[RunState] = Field(
        default_factory=list[RunState], description="Final state of the runs; by default any."
    )


@router.get("")
@without_slot
def list_flow_runs(context: SomeReader, query: Annotated[FlowRuns, Query()]) -> Json:
    """List the runs of this tenant that were started here, the latest first.

    If the caller may not see all of them, a page may have fewer rows than requested.
    """
    offset = 0
    if query.cursor is not None:
        offset = max(0, int(decode_cursor(query.cursor, int)[0]))
    states = [one.prefect() for one in query.state]
    found = PrefectRuns(context.tenant.name).list_runs(states, query.limit, offset)
    shown: Json = {
        "flow_runs": [facts(one) for one in found if may_see(context, repositories_of(one))]
    }
    more = len(found) == query.limit
    return {**shown, "next": encode_cursor(offset + len(found))} if more else shown


@router.get("/{flow_run_id}")
@without_slot
def flow_run(context: SomeReader, flow_run_id: FlowRunId) -> Json:
    """Return a run: its state, its progress, and its results in the catalog."""
    runs = PrefectRuns(context.tenant.name)
    found = _get_visible(context, runs, flow_run_id, Role.READER)
    progress = runs.progress(flow_run_id)
    catalog = context.tenant.catalog
    recorded = catalog.runs.page(RunFilter(flow_run_id=str(flow_run_id))).rows
    results = [
        {
            **serializers.run(one),
            "tallies": [serializers.tally(t) for t in catalog.runs.tallies(one.run_id)],
        }
        for one in recorded
    ]
    return {"run": facts(found, recorded[:1]), "progress": to_json(progress), "results": results}


@router.post("/{flow_run_id}/cancel", status_code=202)
@without_slot
def cancel(context: SomeWriter, flow_run_id: FlowRunId) -> Json:
    """Cancel a run: it finishes its current files, and leaves nothing incomplete."""
    runs = PrefectRuns(context.tenant.name)
    if context.caller.repositories(Role.WRITER) is not None:
        _get_visible(context, runs, flow_run_id, Role.WRITER)
    return {"run": facts(runs.cancel(flow_run_id))}


@router.delete("")
@without_slot
def purge(context: Admin, query: Annotated[Purge, Query()]) -> Json:
    """Delete ended runs from Prefect; their records in the catalog are kept."""
    states = [one.prefect() for one in query.state if one.prefect() in ENDED]
    if query.state and not states:
        return {"deleted": 0, "more": False}
    deleted = PrefectRuns(context.tenant.name).purge(query.before, states)
    return {"deleted": deleted, "more": deleted >= MAX_PURGED}


def _get_visible(context: Context, runs: PrefectRuns, flow_run_id: UUID, need: Role) -> FlowRun:
    """Return a run; raise `RequestRefused` (404) if the caller may not see it."""
    found = runs.find(flow_run_id)
    if not may_see(context, repositories_of(found), need):
        raise RequestRefused(404, HIDDEN, kind="RunNotFound")
    return found


def facts(run: FlowRun, recorded: tuple[Run, ...] = ()) -> Json:
    """Return a run as JSON; `run_id` is the catalog's, once it has started."""
    state = run.state
    return to_json(
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
