"""Folds "forget what plans and runs did file by file, up to that moment"."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.inbox import Order
from catalog.orders.work import Result, Work


def fold(work: Work, order: Order) -> Result:
    """Delete the rows, or only count them; versions, content and locations stay."""
    body = order.body()
    before = datetime.fromtimestamp(int(str(body["before_us"])) / 1e6, tz=UTC).replace(tzinfo=None)
    work.run("forget", before=before, dry=bool(body["dry"]))
    ((plan_rows, outcomes),) = work.ask("SELECT plan_rows, outcomes FROM forgotten")
    return {"plan_rows": plan_rows, "outcomes": outcomes}
