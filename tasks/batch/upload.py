"""Upload: write a staged batch to every destination, each verified on its own."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from transfer.batch.staging import Staging
from transfer.steps import upload as engine


@task(task_run_name="upload", cache_policy=NO_CACHE, persist_result=False)
def upload(staging: Staging) -> Staging:
    """Write every file without an error; each destination gets its own outcome."""
    return engine.upload(staging)
