"""Folds what keeps the catalog small and right: old details go, contradictions are mended."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements
from catalog.store.audit import counts_query, run_audit


def apply_forget(work: Transaction, order: Order) -> Result:
    """Delete the rows, or only count them; versions, content and locations stay."""
    body = order.body()
    before = datetime.fromtimestamp(int(str(body["before_us"])) / 1e6, tz=UTC).replace(tzinfo=None)
    work.run_script("forget", before=before, dry=bool(body["dry"]))
    ((plan_rows, outcomes),) = work.query("SELECT plan_rows, outcomes FROM forgotten")
    return {"plan_rows": plan_rows, "outcomes": outcomes}


def apply_repair(work: Transaction, order: Order) -> Result:
    """Mend, and say how much there was and what is left."""
    before = run_audit(work.connection, work.tenant).count
    work.run_statements(
        statements.load_sql("mend").replace("{counted}", counts_query()), now=order.submitted_at
    )
    return {"mended": before - run_audit(work.connection, work.tenant).count}
