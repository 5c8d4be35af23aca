"""Recorded runs over HTTP: their outcomes, explanations, and failures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from catalog.model.outcome import Status
from catalog.queries.paging import RunFilter
from gateway.access.authorization import SomeReader
from gateway.access.visibility import visible_addresses, visible_run
from gateway.api import serializers
from gateway.api.serializers import Json
from gateway.http.request_models import Paging

router = APIRouter(prefix="/v1/{tenant}/runs", tags=["runs"])
RunId = Annotated[str, Path(description="The run's id.", max_length=200)]


class Runs(Paging):
    """Query parameters for lists of runs."""

    state: str | None = Field(
        default=None, max_length=40, description="State: running, completed, failed or cancelled."
    )
    kind: str | None = Field(default=None, max_length=40, description="Flow: sync, plan, …")


class Outcomes(Paging):
    """Query parameters for outcomes of a run."""

    status: Status | None = Field(default=None, description="Status of the items; all by default.")


@router.get("")
def list_runs(context: SomeReader, query: Annotated[Runs, Query()]) -> Json:
    """List the runs, the latest first."""
    where = RunFilter(query.state, query.kind, within=visible_addresses(context))
    return serializers.page(
        context.tenant.catalog.runs.page(where, query.page_request()), "runs", serializers.run
    )


@router.get("/{run_id}")
def run(context: SomeReader, run_id: RunId) -> Json:
    """Return a run: its state, and what it did at each destination."""
    found = visible_run(context, run_id)
    tallies = [serializers.tally(tally) for tally in context.tenant.catalog.runs.tallies(run_id)]
    return {**serializers.run(found), "tallies": tallies}


@router.get("/{run_id}/outcomes")
def outcomes(context: SomeReader, run_id: RunId, query: Annotated[Outcomes, Query()]) -> Json:
    """Return the outcome of each item of a run, in the recorded order."""
    visible_run(context, run_id)
    found = context.tenant.catalog.runs.outcome_page(run_id, query.status, query.page_request())
    return serializers.page(found, "outcomes", serializers.outcome)


@router.get("/{run_id}/explain")
def explain(
    context: SomeReader,
    run_id: RunId,
    path: Annotated[
        str, Query(min_length=1, max_length=4096, description="The file's path at a destination.")
    ],
) -> Json:
    """Explain what a run did with one path at each destination, and why."""
    visible_run(context, run_id)
    found = context.tenant.catalog.runs.explain(run_id, path)
    return {"explanations": [serializers.explanation(one) for one in found]}


@router.get("/{run_id}/failures")
def failures(context: SomeReader, run_id: RunId, query: Annotated[Paging, Query()]) -> Json:
    """Return the contract failures in a run's files: file, row, column, check and value."""
    visible_run(context, run_id)
    found = context.tenant.catalog.runs.failure_page(run_id, query.page_request())
    return serializers.page(found, "failures", serializers.row_json)
