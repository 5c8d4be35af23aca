"""Applies what runs report: outcomes, gaps of listings, and failure cases of contracts."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.inbox import spool
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction


def apply_outcomes(tx: Transaction, orders: Sequence[Order]) -> list[Result]:
    """Record the outcome of each item; the latest outcome of a path counts."""
    tx.run_script("outcomes", files=[str(order.path) for order in orders])
    for address, repository in tx.query(
        "SELECT DISTINCT destination, repository::VARCHAR FROM incoming"
        " WHERE repository NOT IN (SELECT repository FROM repositories)"
    ):
        del repository
        tx.ensure_repository(str(address), orders[0])
    return [{} for _ in orders]


def apply_gaps(tx: Transaction, order: Order) -> Result:
    """Record every gap of one listing."""
    body = order.body()
    file = spool.gaps_file(tx.spool, str(body["listing"]))
    if file is not None:
        tx.query(
            "INSERT INTO gaps SELECT $run_id, $tenant, $address, $role, path, below, code,"
            " why FROM read_parquet($file)",
            run_id=body["run_id"],
            address=body["address"],
            role=body["role"],
            file=file,
        )
    return {}


def apply_breaches(tx: Transaction, order: Order) -> Result:
    """Record the failure cases of contracts."""
    tx.run_script("contract_failures", files=[str(order.path)])
    return {}
