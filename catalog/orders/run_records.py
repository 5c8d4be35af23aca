"""Folds what runs hand over: outcomes, what listings could not see, what contracts found."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.inbox import spool
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction


def apply_outcomes(work: Transaction, orders: Sequence[Order]) -> list[Result]:
    """Record what became of each item; the last word on a path counts."""
    work.run_script("outcomes", files=[str(order.path) for order in orders])
    for address, repository in work.query(
        "SELECT DISTINCT destination, repository::VARCHAR FROM incoming"
        " WHERE repository NOT IN (SELECT repository FROM repositories)"
    ):
        del repository
        work.ensure_repository(str(address), orders[0])
    return [{} for _ in orders]


def apply_gaps(work: Transaction, order: Order) -> Result:
    """Remember every gap of one listing."""
    body = order.body()
    file = spool.gaps_file(work.spool, str(body["listing"]))
    if file is not None:
        work.query(
            "INSERT INTO gaps SELECT $run_id, $tenant, $address, $role, path, below, code,"
            " why FROM read_parquet($file)",
            run_id=body["run_id"],
            address=body["address"],
            role=body["role"],
            file=file,
        )
    return {}


def apply_breaches(work: Transaction, order: Order) -> Result:
    """Record the failure cases of contracts."""
    work.run_script("contract_failures", files=[str(order.path)])
    return {}
