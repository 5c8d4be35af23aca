"""Runs over HTTP, as the catalog remembers them: what each did, why, and what failed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from catalog.browsing import RunFilter
from catalog.outcome import Status
from gateway import answers
from gateway.answers import Told
from gateway.context import Reader
from gateway.paging import Paging

router = APIRouter(prefix="/v1/{tenant}/runs", tags=["runs"])
RunId = Annotated[str, Path(description="The run's id.", max_length=200)]


class Runs(Paging):
    """Which runs a list has."""

    state: str | None = Field(
        default=None, max_length=40, description="running, completed, failed or cancelled."
    )
    kind: str | None = Field(default=None, max_length=40, description="The flow: sync, plan, …")


class Outcomes(Paging):
    """Which outcomes of a run are listed."""

    status: Status | None = Field(default=None, description="How items ended; all by default.")


@router.get("")
def list_runs(context: Reader, query: Annotated[Runs, Query()]) -> Told:
    """List the runs, the latest first."""
    where = RunFilter(query.state, query.kind)
    return answers.page(context.tenant.catalog.run_page(where, query.asked()), "runs", answers.run)


@router.get("/{run_id}")
def run(context: Reader, run_id: RunId) -> Told:
    """Return a run: its state, and what it did at each destination."""
    catalog = context.tenant.catalog
    found = catalog.run(run_id)
    tallies = [answers.tally(one) for one in catalog.tallies(run_id)]
    return {**answers.run(found), "tallies": tallies}


@router.get("/{run_id}/outcomes")
def outcomes(context: Reader, run_id: RunId, query: Annotated[Outcomes, Query()]) -> Told:
    """Return what became of each item of a run, in the order recorded."""
    found = context.tenant.catalog.outcome_page(run_id, query.status, query.asked())
    return answers.page(found, "outcomes", answers.outcome)


@router.get("/{run_id}/explain")
def explain(
    context: Reader,
    run_id: RunId,
    path: Annotated[
        str, Query(min_length=1, max_length=4096, description="The file's path at a destination.")
    ],
) -> Told:
    """Say why a run did what it did with one path, at each of its destinations."""
    found = context.tenant.catalog.explain(run_id, path)
    return {"explanations": [answers.explanation(one) for one in found]}


@router.get("/{run_id}/failures")
def failures(context: Reader, run_id: RunId, query: Annotated[Paging, Query()]) -> Told:
    """Return what contracts found in the files of a run: file, row, column, check and value."""
    found = context.tenant.catalog.failure_page(run_id, query.asked())
    return answers.page(found, "failures", answers.plain)
