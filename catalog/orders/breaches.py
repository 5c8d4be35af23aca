"""Folds what contracts found in files."""

from __future__ import annotations

from catalog.inbox import Order
from catalog.orders.work import Result, Work


def fold(work: Work, order: Order) -> Result:
    """Record the failure cases."""
    work.run("contract_failures", files=[str(order.path)])
    return {}
