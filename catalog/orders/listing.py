"""Folds "this is the full listing of that repository": a version when it differs."""

from __future__ import annotations

from catalog.inbox import spool
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements


def apply_listing(work: Transaction, order: Order) -> Result:
    """Compare the listing with the latest version, and make the next one if anything changed.

    What the listing could not see is carried over: unknown is not gone.
    """
    body = order.body()
    address, run_id, label = str(body["repository"]), body["run_id"], body["label"]
    key = work.ensure_repository(address, order, None if label is None else str(label))
    listing = str(body["listing"])
    standing = "(FROM content WHERE repository = $repository::UUID AND removed_in IS NULL)"
    work.run_statements(
        statements.load_sql("listing").replace(
            "{unseen}", work.unseen_query(listing, standing, "gaps_listed")
        ),
        repository=key,
        files=spool.page_files(work.spool, listing),
    )
    work.refuse_duplicates("staged", address)
    number = work.make_version(key, order, None if run_id is None else str(run_id), None)
    return {"number": work.latest_number(key) if number is None else number}
