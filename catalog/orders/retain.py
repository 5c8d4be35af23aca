"""Folds "keep so many versions": remembered, and applied now and after each new version."""

from __future__ import annotations

from catalog.errors import InvalidInput
from catalog.inbox import Order
from catalog.orders.work import Result, Work


def fold(work: Work, order: Order) -> Result:
    """Remember how many versions stay (None: all) and delete the others, protected ones apart."""
    body = order.body()
    address, retain = str(body["repository"]), body["versions"]
    if retain is not None and (not isinstance(retain, int) or retain < 1):
        raise InvalidInput(f"{address!r} can keep 1 version or more, or all (None), not {retain!r}")
    key = work.see(address, order)
    work.run("retain", repository=key, retain=retain)
    return {"deleted": work.trim(key)}
