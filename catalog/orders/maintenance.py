"""Applies maintenance of the catalog: deletes old details, repairs contradictions."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements
from catalog.store.audit import counts_query, run_audit


def apply_forget(tx: Transaction, order: Order) -> Result:
    """Delete old plan rows and outcomes, or only count them; versions and locations stay."""
    body = order.body()
    before = datetime.fromtimestamp(int(str(body["before_us"])) / 1e6, tz=UTC).replace(tzinfo=None)
    tx.run_script("runs/prune_details", before=before, dry=bool(body["dry"]))
    ((plan_rows, outcomes),) = tx.query("SELECT plan_rows, outcomes FROM forgotten")
    return {"plan_rows": plan_rows, "outcomes": outcomes}


def apply_repair(tx: Transaction, order: Order) -> Result:
    """Repair contradictions, and return how many were repaired."""
    before = run_audit(tx.connection, tx.tenant).count
    tx.run_statements(
        statements.load_sql("audit/repair").replace("{counted}", counts_query()),
        now=order.submitted_at,
    )
    return {"mended": before - run_audit(tx.connection, tx.tenant).count}
