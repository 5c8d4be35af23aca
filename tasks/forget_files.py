"""Forget: let the catalog know that files are gone, or are not what they were."""

from __future__ import annotations

from collections.abc import Iterable

from blocks.repository import Repository
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import Action
from tasks.job import run_resources


def forget_files(place: Repository, paths: Iterable[str], run_id: str) -> None:
    """Record that nothing whole lies at these paths of a repository."""
    gone = [Outcome(place.address, one, one, Action.REMOVE, Status.REMOVED) for one in paths]
    run_resources(run_id).catalog.runs.record_outcomes(run_id, "", gone)
