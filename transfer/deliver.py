"""Deliver one batch: download, validate, upload, mark, clean up, in this process and thread."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.outcome import Outcome
from catalog.plan import Item
from transfer.cleanup import cleanup
from transfer.contracts.enforce import enforce
from transfer.download import download
from transfer.job import Delivery
from transfer.marking import mark
from transfer.upload import upload
from transfer.validate import Check, validate


def deliver(delivery: Delivery, items: list[Item], checks: Sequence[Check] = ()) -> list[Outcome]:
    """Move `items` and return one outcome for each item and destination that was tried.

    After these come those of what went into the destinations' histories.
    """
    staging = download(delivery, items)
    try:
        enforce(validate(staging, checks))
        upload(staging)
        mark(staging)
        return cleanup(staging) + staging.kept()
    finally:
        staging.release()
