"""Folds which versions stay: so many of the newest, those that are protected; and who goes."""

from __future__ import annotations

from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store.keys import repository_key


def fold_retain(work: Transaction, order: Order) -> Result:
    """Remember how many versions stay (None: all) and delete the others, protected ones apart."""
    body = order.body()
    address, retain = str(body["repository"]), body["versions"]
    if retain is not None and (not isinstance(retain, int) or retain < 1):
        raise InvalidInput(f"{address!r} can keep 1 version or more, or all (None), not {retain!r}")
    key = work.see(address, order)
    work.run("retain", repository=key, retain=retain)
    return {"deleted": work.trim(key)}


def fold_delete(work: Transaction, order: Order) -> Result:
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


def fold_protect(work: Transaction, order: Order) -> Result:
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


def fold_unprotect(work: Transaction, order: Order) -> Result:
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
