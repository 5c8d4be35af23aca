"""Folds "label this version": each key has one value, None takes the key away."""

from __future__ import annotations

from typing import cast

from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction


def fold(work: Transaction, order: Order) -> Result:
    """Write the labels given; those not named stay."""
    key, number = work.version_of(order)
    labels = cast("dict[str, str | None]", order.body()["labels"])
    work.run(
        "label",
        repository=key,
        number=number,
        keys=list(labels),
        values=list(labels.values()),
    )
    return {}
