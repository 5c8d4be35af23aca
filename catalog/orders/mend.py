"""Folds "mend what contradicts itself and can be told from the rest"."""

from __future__ import annotations

from catalog import script
from catalog.audit import audited, counted
from catalog.inbox import Order
from catalog.orders.work import Result, Work


def fold(work: Work, order: Order) -> Result:
    """Mend, and say how much there was and what is left."""
    before = audited(work.connection, work.tenant).count
    work.run_text(script.text("mend").replace("{counted}", counted()), now=order.given_at)
    return {"mended": before - audited(work.connection, work.tenant).count}
