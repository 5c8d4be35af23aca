"""Quarantine: put files aside whose right bytes are nowhere to be had."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks.history import history_of
from blocks.repository import Repository
from catalog.outcome import Outcome, Status
from catalog.plan import Action
from providers.cache import STORAGES
from tasks.job import opened_destination, shared
from transfer.quarantine import set_aside


@task(task_run_name="quarantine", cache_policy=NO_CACHE, persist_result=False)
def quarantine(repository: Repository, paths: list[str], run_id: str) -> None:
    """Move files into the repository's history and let the catalog forget that they are whole."""
    if not paths:
        return
    common = shared(run_id)
    history = history_of(repository)
    with (
        opened_destination(repository) as end,
        STORAGES.opened(history.settings, history.open_options()) as aside,
    ):
        set_aside(end, aside, paths, run_id, common.stop)
    gone = [
        Outcome(repository.address, path, path, Action.REMOVE, Status.REMOVED) for path in paths
    ]
    common.catalog.record_outcomes(run_id, "", gone)
