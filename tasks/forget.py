"""Forget: let the catalog know that files are gone, or are not what they were."""

from __future__ import annotations

from collections.abc import Iterable

from blocks.repository import Repository
from catalog.outcome import Outcome, Status
from catalog.plan import Action
from tasks.job import shared


def forget_files(place: Repository, paths: Iterable[str], run_id: str) -> None:
    """Record that nothing whole lies at these paths of a repository."""
    gone = [Outcome(place.address, one, one, Action.REMOVE, Status.REMOVED) for one in paths]
    shared(run_id).catalog.record_outcomes(run_id, "", gone)
