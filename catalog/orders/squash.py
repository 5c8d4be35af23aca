"""Folds "delete that version": its changes go into the next one, so that no other one changes."""

from __future__ import annotations

from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox import Order
from catalog.keys import repository_key
from catalog.orders.work import Result, Work


def fold(work: Work, order: Order) -> Result:
    """Delete one version; one that was deleted before is no error, and nothing is done."""
    body = order.body()
    address, number = str(body["repository"]), int(str(body["number"]))
    key = repository_key(work.tenant, address)
    have = work.numbers(key)
    if not have:
        raise NotRecorded("repository", address)
    if number not in have:
        if not 0 <= number <= work.highest(key):
            raise NotRecorded("version", f"{address} {number}")
        return {"deleted": []}
    reasons = work.protected(key, number)
    if reasons:
        raise InvalidInput(
            f"version {number} of {address!r} is protected ({', '.join(reasons)}) and stays"
        )
    if len(have) == 1:
        raise InvalidInput(
            f"version {number} is the only one of {address!r} and stays: one at least remains"
        )
    work.squash(key, [number])
    return {"deleted": [number]}
