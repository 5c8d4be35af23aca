"""Records a batch's outcomes in the catalog, durably, before anything else happens.

A plain function: it runs at the end of each `deliver`, so that a crash loses no finished work.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from catalog.model.outcome import Status
from tasks.batch.open_batch import Batch
from tasks.job import run_resources
from tasks.recorded_files import with_versioned_names

MAX_NAMED = 20  # files in a batch's report


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch did: counts of outcomes, one for each item and destination."""

    number: int
    stored: int
    removed: int
    failed: int
    bytes: int  # stored
    uncleaned: tuple[
        tuple[str, str], ...
    ] = ()  # path and error of what was not removed at the source
    webhook_error: str = ""  # why the run's webhook did not accept the message


def record(batch: Batch) -> BatchReport:
    """Record every outcome of the batch and what it kept; return the counts."""
    staging = batch.staging
    outcomes = staging.outcomes()
    kept = staging.history_outcomes()
    if outcomes or kept:
        run_resources(batch.job.run_id).catalog.runs.record_outcomes(
            batch.job.run_id,
            batch.job.plan_id,
            outcomes + kept + with_versioned_names(outcomes, batch.job.destinations),
        )
    if staging.breaches:
        run_resources(batch.job.run_id).catalog.runs.record_breaches(
            batch.job.run_id, staging.breaches
        )
    stored = [outcome for outcome in outcomes if outcome.status is Status.STORED]
    return BatchReport(
        batch.number,
        stored=len(stored),
        removed=sum(outcome.status is Status.REMOVED for outcome in outcomes),
        failed=sum(outcome.status is Status.FAILED for outcome in outcomes),
        bytes=sum(outcome.size or 0 for outcome in stored),
        uncleaned=tuple(islice(staging.uncleaned.items(), MAX_NAMED)),
    )
