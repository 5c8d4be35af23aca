"""Applies `listing` orders: a full listing becomes the next version if it differs."""

from __future__ import annotations

from catalog.inbox import spool
from catalog.inbox.queue import Order
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements


def apply_listing(tx: Transaction, order: Order) -> Result:
    """Compare the listing with the latest version, and create the next one if anything changed.

    What the listing could not see is kept from the latest version: unknown is not gone.
    """
    body = order.body()
    address, run_id, label = str(body["repository"]), body["run_id"], body["label"]
    key = tx.ensure_repository(address, order, None if label is None else str(label))
    listing = str(body["listing"])
    standing = "(FROM content WHERE repository = $repository::UUID AND removed_in IS NULL)"
    tx.run_statements(
        statements.load_sql("versions/record_listing").replace(
            "{unseen}", tx.unseen_query(listing, standing, "gaps_listed")
        ),
        repository=key,
        files=spool.page_files(tx.spool, listing),
    )
    tx.refuse_duplicates("staged", address)
    number = tx.make_version(key, order, None if run_id is None else str(run_id), None)
    return {"number": tx.latest_number(key) if number is None else number}
