"""Delivers one batch from start to end, in one process. This is the mapped task."""

from __future__ import annotations

from dataclasses import replace

from catalog.model.plan import Strategy
from orchestration.task import task
from tasks.batch.open_batch import Batch, open_batch
from tasks.batch.record import BatchReport, record
from tasks.batch.steps import cleanup, download, mark, step, upload, validate
from tasks.batch.webhook import notify_afterwards
from tasks.concurrency_limit import hold_slots
from tasks.job import Job
from transfer.steps.sequence import BuiltInStep, step_sequence


@task("deliver-{number}")
def deliver(number: int, job: Job) -> BatchReport:
    """Transfer batch `number` of the job's plan and record the outcome of every item."""
    with (
        notify_afterwards(job, number) as announcement,
        hold_slots((job.source, *job.destinations)),
        open_batch(job, number) as batch,
    ):
        try:
            for name in step_sequence(job.steps):
                _run_step(batch, name)
        finally:
            batch.staging.release()
            report = record(batch)
            announcement.outcomes = batch.staging.outcomes()
    return replace(report, webhook_error=announcement.error)


def _run_step(batch: Batch, name: BuiltInStep | str) -> None:
    """Run one step, a built-in one or the user's own."""
    staging, job = batch.staging, batch.job
    match name:
        case BuiltInStep.DOWNLOAD:
            download(batch)
        case BuiltInStep.VALIDATE:
            validate(staging, job.checks)
        case BuiltInStep.UPLOAD:
            upload(staging)
        case BuiltInStep.MARK:
            if job.options.strategy is Strategy.MARKER:
                mark(staging)
        case BuiltInStep.CLEANUP:
            cleanup(staging)
        case _:
            step(batch, name)
