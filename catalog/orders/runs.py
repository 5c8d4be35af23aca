"""Folds the start and the end of a run."""

from __future__ import annotations

import json

from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction


def fold_start(work: Transaction, order: Order) -> Result:
    """Remember a run; starting it again replaces what was remembered."""
    body = order.body()
    work.ask(
        "DELETE FROM runs WHERE run_id = $run_id AND tenant = $tenant",
        run_id=body["run_id"],
    )
    work.ask(
        "INSERT INTO runs VALUES ($run_id, $kind, $plan_id, $source, $destinations, $state,"
        " coalesce(to_timestamp($started_us / 1e6)::TIMESTAMP, $now),"
        " to_timestamp($ended_us / 1e6)::TIMESTAMP, $flow_run_id, $message, $tenant)",
        **{**body, "destinations": json.dumps(body["destinations"]), "now": order.given_at},
    )
    return {}


def fold_end(work: Transaction, order: Order) -> Result:
    """Remember how a run ended; one that is not known stays unknown."""
    work.ask(
        "UPDATE runs SET state = $state, message = $message, ended_at = $now,"
        " plan_id = coalesce($plan_id, plan_id)"
        " WHERE run_id = $run_id AND tenant = $tenant",
        **{**order.body(), "now": order.given_at},
    )
    return {}
