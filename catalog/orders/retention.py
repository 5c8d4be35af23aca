"""Folds which versions stay: so many of the newest, those that are protected; and who goes."""

from __future__ import annotations

from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store.keys import repository_key


def apply_retain(work: Transaction, order: Order) -> Result:
    """Remember how many versions stay (None: all) and delete the others, protected ones apart."""
    body = order.body()
    address, retain = str(body["repository"]), body["versions"]
    if retain is not None and (not isinstance(retain, int) or retain < 1):
        raise InvalidInput(f"{address!r} can keep 1 version or more, or all (None), not {retain!r}")
    key = work.ensure_repository(address, order)
    work.run_script("retain", repository=key, retain=retain)
    return {"deleted": work.apply_retention(key)}


def apply_delete(work: Transaction, order: Order) -> Result:
    """Delete one version; one that was deleted before is no error, and nothing is done."""
    body = order.body()
    address, number = str(body["repository"]), int(str(body["number"]))
    key = repository_key(work.tenant, address)
    have = work.version_numbers(key)
    if not have:
        raise NotRecorded("repository", address)
    if number not in have:
        if not 0 <= number <= work.highest_number(key):
            raise NotRecorded("version", f"{address} {number}")
        return {"deleted": []}
    reasons = work.protection_reasons(key, number)
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


def apply_protect(work: Transaction, order: Order) -> Result:
    """Remember a reason why a version stays; the same one again is no other."""
    key, number = work.named_version(order)
    reason = str(order.body()["reason"])
    if not reason.strip():
        raise InvalidInput("a protection needs a reason, found none")
    work.query(
        "INSERT INTO protections SELECT $repository::UUID, $number, $reason, $now"
        " WHERE NOT EXISTS (SELECT 1 FROM protections WHERE repository = $repository::UUID"
        " AND number = $number AND reason = $reason)",
        repository=key,
        number=number,
        reason=reason,
        now=order.submitted_at,
    )
    return {}


def apply_unprotect(work: Transaction, order: Order) -> Result:
    """Forget one reason, or all of them; the version then goes when retention is next applied."""
    key, number = work.named_version(order)
    reason = order.body()["reason"]
    if reason is not None and reason not in work.protection_reasons(key, number):
        raise NotRecorded("protection", f"{order.body()['repository']} {number}: {reason}")
    work.query(
        "DELETE FROM protections WHERE repository = $repository::UUID AND number = $number"
        " AND ($reason IS NULL OR reason = $reason)",
        repository=key,
        number=number,
        reason=reason,
    )
    return {}
