"""Announces to the run's webhook what a batch has newly stored, after it was recorded.

A plain function at the end of each `deliver`: if the message fails, the run goes on.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from catalog.errors import Cancelled, StorageError
from catalog.model.outcome import Outcome
from orchestration.run import run_logger
from tasks.job import Job, run_resources
from transfer.webhook import build_message, build_notification, send
from transfer.workers.retry import RetryPolicy
from transfer.workers.stop import StopFlag


class WebhookMessage:
    """What a batch announces: outcomes once they are recorded, and the error if sending failed."""

    def __init__(self) -> None:
        """Begin without outcomes."""
        self.outcomes: list[Outcome] = []
        self.error = ""


@contextmanager
def notify_afterwards(job: Job, number: int) -> Generator[WebhookMessage]:
    """Send the announcement after the block, when the batch holds no slot and no storage.

    A stopping run tries once: no later run would announce what it stored.
    """
    announcement = WebhookMessage()
    try:
        yield announcement
    finally:
        if job.webhook is not None:
            announcement.error = _notify(job, number, announcement.outcomes)


def _notify(job: Job, number: int, outcomes: list[Outcome]) -> str:
    """Send the announcement; return why it failed, or ''."""
    ends = (job.source.address, *(destination.address for destination in job.destinations))
    news = build_notification(outcomes, run=(job.run_id, job.plan_id, number), ends=ends)
    if news is None or job.webhook is None:
        return ""
    receiver, stop = job.webhook.receiver(), run_resources(job.run_id).stop
    if stop.is_set():
        receiver, stop = replace(receiver, retry=RetryPolicy(retries=0)), StopFlag()
    try:
        send(receiver, build_message(news, receiver.body, datetime.now(UTC)), stop)
    except (StorageError, Cancelled) as error:
        problem = f"batch {number} ({len(news.stored):,} files stored) was not announced: {error}"
        run_logger().warning("%s", problem)
        return problem
    return ""
