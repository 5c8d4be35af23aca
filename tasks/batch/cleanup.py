"""Clean up: release the staging, and clean the source where that was asked for."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from transfer.batch.staging import Staging
from transfer.steps import clean_up as engine


@task(task_run_name="cleanup", cache_policy=NO_CACHE, persist_result=False)
def cleanup(staging: Staging) -> Staging:
    """Give memory and disk back; every item of the batch now has its outcomes."""
    engine.cleanup(staging)
    return staging
