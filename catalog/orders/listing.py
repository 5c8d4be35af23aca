"""Folds "this is the full listing of that repository": a version when it differs."""

from __future__ import annotations

from catalog import spool
from catalog.inbox import Order
from catalog.orders.work import Result, Work


def fold(work: Work, order: Order) -> Result:
    """Compare the listing with the latest version, and make the next one if anything changed."""
    body = order.body()
    address, run_id, label = str(body["repository"]), body["run_id"], body["label"]
    key = work.see(address, order, None if label is None else str(label))
    work.run("listing", repository=key, files=spool.parts(work.spool, str(body["listing"])))
    work.refuse_twice("staged", address)
    number = work.make_version(key, order, None if run_id is None else str(run_id), None)
    return {"number": work.latest(key) if number is None else number}
