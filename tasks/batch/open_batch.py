"""Opens one batch of a plan: its items, and the storages of its delivery."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from catalog.model.plan import PlanItem
from tasks.job import Job, open_delivery, run_resources
from transfer.batch.delivery import Delivery
from transfer.steps.download import prepare_staging


class Batch:
    """A batch with its storages open.

    Deliberately not a dataclass: Prefect searches dataclasses for futures, and there are thousands
    of items here.
    """

    def __init__(self, job: Job, number: int, items: list[PlanItem], ends: Delivery) -> None:
        """Prepare the staging for the batch's items."""
        self.job = job
        self.number = number
        self.staging = prepare_staging(ends, items)

    def __repr__(self) -> str:
        """Name the batch."""
        return (
            f"<Batch {self.number} of plan {self.job.plan_id}: {len(self.staging.transfers)} items>"
        )


@contextmanager
def open_batch(job: Job, number: int) -> Generator[Batch]:
    """Open batch `number` of the job's plan."""
    with open_delivery(job) as ends:
        places = [repository.address for repository in job.places]
        items = run_resources(job.run_id).catalog.plans.items(job.plan_id, number, places)
        yield Batch(job, number, items, ends)
