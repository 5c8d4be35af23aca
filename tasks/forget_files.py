"""Forget: record that files are gone, or no longer what they were."""

from __future__ import annotations

from collections.abc import Iterable

from blocks.repository import Repository
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import Action
from tasks.job import run_resources


def forget_files(place: Repository, paths: Iterable[str], run_id: str) -> None:
    """Record that these paths of a repository have no valid file."""
    gone = [Outcome(place.address, path, path, Action.REMOVE, Status.REMOVED) for path in paths]
    run_resources(run_id).catalog.runs.record_outcomes(run_id, "", gone)
