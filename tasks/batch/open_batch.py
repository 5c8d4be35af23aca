"""One batch of a plan, opened: its items, staged between the ends of its delivery."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from catalog.model.plan import Item
from tasks.job import Job, open_delivery, run_resources
from transfer.batch.delivery import Delivery
from transfer.steps.download import prepare_staging


class Batch:
    """A batch with its storages open.

    No dataclass on purpose: Prefect looks for futures in whatever it can take apart, and there are
    thousands of items here.
    """

    def __init__(self, job: Job, number: int, items: list[Item], ends: Delivery) -> None:
        """Hold what a step needs."""
        self.job = job
        self.number = number
        self.staging = prepare_staging(ends, items)

    def __repr__(self) -> str:
        """Name the batch."""
        return f"<Batch {self.number} of plan {self.job.plan_id}: {len(self.staging.pieces)} items>"


@contextmanager
def open_batch(job: Job, number: int) -> Generator[Batch]:
    """Open batch `number` of the job's plan."""
    with open_delivery(job) as ends:
        places = [one.address for one in job.places]
        items = run_resources(job.run_id).catalog.plans.items(job.plan_id, number, places)
        yield Batch(job, number, items, ends)
