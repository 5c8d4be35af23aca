"""Applies the start and the end of a run."""

from __future__ import annotations

import json

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
