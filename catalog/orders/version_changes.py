"""Applies changes of existing versions: retention, deletion, protection and labels."""

from __future__ import annotations

from typing import cast

from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store.keys import repository_key


def apply_retain(tx: Transaction, order: Order) -> Result:
    """Set how many versions are kept (None: all) and delete the others, except protected ones."""
    body = order.body()
    address, retain = str(body["repository"]), body["versions"]
    if retain is not None and (not isinstance(retain, int) or retain < 1):
        raise InvalidInput(
            f"cannot keep {retain!r} versions of {address!r}: expected 1 or more, or None for all"
        )
    key = tx.ensure_repository(address, order)
    tx.run_script("versions/retain", repository=key, retain=retain)
    return {"deleted": tx.apply_retention(key)}


def apply_delete(tx: Transaction, order: Order) -> Result:
    """Delete one version; deleting it again does nothing."""
    body = order.body()
    address, number = str(body["repository"]), int(str(body["number"]))
    key = repository_key(tx.tenant, address)
    have = tx.version_numbers(key)
    if not have:
        raise NotRecorded("repository", address)
    if number not in have:
        if not 0 <= number <= tx.highest_number(key):
            raise NotRecorded("version", f"{address} {number}")
        return {"deleted": []}
    reasons = tx.protection_reasons(key, number)
    if reasons:
        raise InvalidInput(
            f"version {number} of {address!r} is protected ({', '.join(reasons)}): "
            "unprotect it first"
        )
    if len(have) == 1:
        raise InvalidInput(
            f"version {number} is the only version of {address!r} and cannot be deleted"
        )
    tx.squash(key, [number])
    return {"deleted": [number]}


def apply_protect(tx: Transaction, order: Order) -> Result:
    """Record a reason to keep a version; repeating the same reason does nothing."""
    key, number = tx.named_version(order)
    reason = str(order.body()["reason"])
    if not reason.strip():
        raise InvalidInput("a protection needs a reason, found an empty text")
    tx.query(
        "INSERT INTO protections SELECT $repository::UUID, $number, $reason, $now"
        " WHERE NOT EXISTS (SELECT 1 FROM protections WHERE repository = $repository::UUID"
        " AND number = $number AND reason = $reason)",
        repository=key,
        number=number,
        reason=reason,
        now=order.submitted_at,
    )
    return {}


def apply_unprotect(tx: Transaction, order: Order) -> Result:
    """Remove one reason, or all; retention then deletes the version the next time it applies."""
    key, number = tx.named_version(order)
    reason = order.body()["reason"]
    if reason is not None and reason not in tx.protection_reasons(key, number):
        raise NotRecorded("protection", f"{order.body()['repository']} {number}: {reason}")
    tx.query(
        "DELETE FROM protections WHERE repository = $repository::UUID AND number = $number"
        " AND ($reason IS NULL OR reason = $reason)",
        repository=key,
        number=number,
        reason=reason,
    )
    return {}


def apply_label(tx: Transaction, order: Order) -> Result:
    """Set the given labels, or remove those with the value None; others stay."""
    key, number = tx.named_version(order)
    labels = cast("dict[str, str | None]", order.body()["labels"])
    tx.run_script(
        "versions/label",
        repository=key,
        number=number,
        keys=list(labels),
        values=list(labels.values()),
    )
    return {}
