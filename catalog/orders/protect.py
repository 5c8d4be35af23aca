"""Folds "this version must stay", by whom it is said, and the end of it."""

from __future__ import annotations

from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox import Order
from catalog.orders.work import Result, Work


def fold(work: Work, order: Order) -> Result:
    """Remember a reason why a version stays; the same one again is no other."""
    key, number = work.version_of(order)
    reason = str(order.body()["reason"])
    if not reason.strip():
        raise InvalidInput("a protection needs a reason, found none")
    work.ask(
        "INSERT INTO protections SELECT $repository::UUID, $number, $reason, $now"
        " WHERE NOT EXISTS (SELECT 1 FROM protections WHERE repository = $repository::UUID"
        " AND number = $number AND reason = $reason)",
        repository=key,
        number=number,
        reason=reason,
        now=order.given_at,
    )
    return {}


def fold_end(work: Work, order: Order) -> Result:
    """Forget one reason, or all of them; the version then goes when retention is next applied."""
    key, number = work.version_of(order)
    reason = order.body()["reason"]
    if reason is not None and reason not in work.protected(key, number):
        raise NotRecorded("protection", f"{order.body()['repository']} {number}: {reason}")
    work.ask(
        "DELETE FROM protections WHERE repository = $repository::UUID AND number = $number"
        " AND ($reason IS NULL OR reason = $reason)",
        repository=key,
        number=number,
        reason=reason,
    )
    return {}
