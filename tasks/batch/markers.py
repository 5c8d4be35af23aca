"""Mark: write the markers of a destination's files."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from transfer.batch.staging import Staging
from transfer.steps import mark as engine


@task(task_run_name="mark", cache_policy=NO_CACHE, persist_result=False)
def mark(staging: Staging) -> Staging:
    """Write the marker of every file that is stored now or lacks it."""
    return engine.mark(staging)
