"""Clean up: release the staging, and clean the source if requested."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from transfer.batch.staging import Staging
from transfer.steps import clean_up as engine


@task(task_run_name="cleanup", cache_policy=NO_CACHE, persist_result=False)
def cleanup(staging: Staging) -> Staging:
    """Release memory and disk space; every item of the batch has its outcomes now."""
    engine.cleanup(staging)
    return staging
