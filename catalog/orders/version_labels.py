"""Folds "label this version": each key has one value, None takes the key away."""

from __future__ import annotations

from typing import cast

from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction


def apply_label(tx: Transaction, order: Order) -> Result:
    """Set the given labels, or remove those with the value None; others stay."""
    key, number = tx.named_version(order)
    labels = cast("dict[str, str | None]", order.body()["labels"])
    tx.run_script(
        "label",
        repository=key,
        number=number,
        keys=list(labels),
        values=list(labels.values()),
    )
    return {}
