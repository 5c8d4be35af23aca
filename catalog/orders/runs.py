"""Applies what runs report: start and end, outcomes, gaps of listings, and failure cases."""

from __future__ import annotations

import json
from collections.abc import Sequence

from catalog.inbox import spool
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction


def apply_run_start(tx: Transaction, order: Order) -> Result:
    """Record a run; starting it again replaces its record."""
    body = order.body()
    tx.query(
        "DELETE FROM runs WHERE run_id = $run_id AND tenant = $tenant",
        run_id=body["run_id"],
    )
    tx.query(
        "INSERT INTO runs VALUES ($run_id, $kind, $plan_id, $source, $destinations, $state,"
        " coalesce(to_timestamp($started_us / 1e6)::TIMESTAMP, $now),"
        " to_timestamp($ended_us / 1e6)::TIMESTAMP, $flow_run_id, $message, $tenant)",
        **{**body, "destinations": json.dumps(body["destinations"]), "now": order.submitted_at},
    )
    return {}


def apply_run_end(tx: Transaction, order: Order) -> Result:
    """Record how a run ended; an unknown run is ignored."""
    tx.query(
        "UPDATE runs SET state = $state, message = $message, ended_at = $now,"
        " plan_id = coalesce($plan_id, plan_id)"
        " WHERE run_id = $run_id AND tenant = $tenant",
        **{**order.body(), "now": order.submitted_at},
    )
    return {}


def apply_outcomes(tx: Transaction, orders: Sequence[Order]) -> list[Result]:
    """Record the outcome of each item; the latest outcome of a path counts."""
    tx.run_script("runs/record_outcomes", files=[str(order.path) for order in orders])
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
    tx.run_script("runs/record_contract_failures", files=[str(order.path)])
    return {}
