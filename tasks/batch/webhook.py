"""Announce: tell the run's webhook what a batch has newly stored, after it was recorded.

A plain function at the end of each `deliver`: whatever becomes of the message, the run goes on.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from catalog.errors import Cancelled, StorageError
from catalog.model.outcome import Outcome
from tasks.job import Job, run_resources
from transfer.webhook import message_of, notification_of, send
from transfer.workers.retry import RetryPolicy
from transfer.workers.stop import StopFlag


class WebhookMessage:
    """What a batch has to tell: outcomes once they are recorded, and why nobody took them."""

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self.outcomes: list[Outcome] = []
        self.untold = ""


@contextmanager
def announced(job: Job, number: int) -> Generator[WebhookMessage]:
    """Send at the end what is known by then, when the batch holds no slot and no storage.

    A run that is asked to stop tries once: what it stored, no later run would tell.
    """
    announcement = WebhookMessage()
    try:
        yield announcement
    finally:
        if job.webhook is not None:
            announcement.untold = _announce(job, number, announcement.outcomes)


def _announce(job: Job, number: int, outcomes: list[Outcome]) -> str:
    """Send what there is to tell; return why nobody took it, or nothing."""
    ends = (job.source.address, *(one.address for one in job.destinations))
    news = notification_of(outcomes, run=(job.run_id, job.plan_id, number), ends=ends)
    if news is None or job.webhook is None:
        return ""
    receiver, stop = job.webhook.receiver(), run_resources(job.run_id).stop
    if stop.is_set():
        receiver, stop = replace(receiver, retry=RetryPolicy(retries=0)), StopFlag()
    try:
        send(receiver, message_of(news, receiver.body, datetime.now(UTC)), stop)
    except (StorageError, Cancelled) as error:
        untold = f"batch {number} ({len(news.stored)} stored) was not told: {error}"
        get_run_logger().warning("%s", untold)
        return untold
    return ""
