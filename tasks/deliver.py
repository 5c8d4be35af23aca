"""Deliver: one batch, start to end, in one process. This is the mapped task."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from catalog.plan import Strategy
from tasks.batch import opened
from tasks.cleanup import cleanup
from tasks.download import download
from tasks.job import Job
from tasks.limit import held
from tasks.mark import mark
from tasks.record import BatchReport, record
from tasks.upload import upload
from tasks.validate import validate


@task(task_run_name="deliver-{number}", cache_policy=NO_CACHE, persist_result=False)
def deliver(number: int, job: Job) -> BatchReport:
    """Move batch `number` of the job's plan and record what became of every item."""
    with held((job.source, *job.destinations)), opened(job, number) as batch:
        staging = download(batch)
        try:
            validate(staging, job.checks)
            upload(staging)
            if job.options.strategy is Strategy.MARKER:
                mark(staging)
            cleanup(staging)
        finally:
            staging.release()
            report = record(batch, staging)
        return report
