"""Delivers one batch as flows do, by all of its steps, in the calling thread."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.model.outcome import Outcome
from catalog.model.plan import PlanItem
from transfer.batch.delivery import Delivery
from transfer.steps.clean_up import cleanup
from transfer.steps.download import download
from transfer.steps.mark import mark
from transfer.steps.upload import upload
from transfer.steps.validate import Check, enforce_contracts, validate


def deliver(
    delivery: Delivery, items: list[PlanItem], checks: Sequence[Check] = ()
) -> list[Outcome]:
    """Transfer `items` and return one outcome for each item and tried destination.

    They are followed by the outcomes of files moved into the destinations' histories.
    """
    staging = download(delivery, items)
    try:
        enforce_contracts(validate(staging, checks))
        upload(staging)
        mark(staging)
        return cleanup(staging) + staging.history_outcomes()
    finally:
        staging.release()
