"""Download: fetch a batch's bytes, verified against the plan and its digests."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.batch.open_batch import Batch
from transfer.batch.staging import Staging
from transfer.steps import download as engine


@task(task_run_name="download", cache_policy=NO_CACHE, persist_result=False)
def download(batch: Batch) -> Staging:
    """Fetch what the batch needs; files that cannot be fetched are settled as failed."""
    return engine.fetch_staging(batch.staging)
