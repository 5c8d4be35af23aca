"""Deliver: one batch, start to end, in one process. This is the mapped task."""

from __future__ import annotations

from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from catalog.plan import Strategy
from tasks.announce import announced
from tasks.batch import Batch, opened
from tasks.cleanup import cleanup
from tasks.download import download
from tasks.job import Job
from tasks.limit import held
from tasks.mark import mark
from tasks.record import BatchReport, record
from tasks.step import step
from tasks.upload import upload
from tasks.validate import validate
from transfer.steps import Part, order_of


@task(task_run_name="deliver-{number}", cache_policy=NO_CACHE, persist_result=False)
def deliver(number: int, job: Job) -> BatchReport:
    """Move batch `number` of the job's plan and record what became of every item."""
    with (
        announced(job, number) as announcement,
        held((job.source, *job.destinations)),
        opened(job, number) as batch,
    ):
        try:
            for one in order_of(job.steps):
                _take(batch, one)
        finally:
            batch.staging.release()
            report = record(batch)
            announcement.outcomes = batch.staging.outcomes()
    return replace(report, untold=announcement.untold)


def _take(batch: Batch, one: Part | str) -> None:
    """Take one step, ours or a person's own."""
    staging, job = batch.staging, batch.job
    match one:
        case Part.DOWNLOAD:
            download(batch)
        case Part.VALIDATE:
            validate(staging, job.checks)
        case Part.UPLOAD:
            upload(staging)
        case Part.MARK:
            if job.options.strategy is Strategy.MARKER:
                mark(staging)
        case Part.CLEANUP:
            cleanup(staging)
        case _:
            step(batch, one)
