"""Checks that the bytes of a plan can be found, before anything is touched."""

from __future__ import annotations

from orchestration.task import task
from tasks.batch.open_batch import open_batch
from tasks.job import Job, run_resources
from transfer.locate.reachability import find_unreachable


@task("reach")
def find_missing_bytes(job: Job) -> list[str]:
    """Return the paths of the job's plan whose bytes cannot be found anywhere."""
    missing: list[str] = []
    for planned in run_resources(job.run_id).catalog.plans.batches(job.plan_id):
        with open_batch(job, planned.number) as batch:
            staging = batch.staging
            missing += find_unreachable(staging.delivery, [one.item for one in staging.transfers])
    return missing
