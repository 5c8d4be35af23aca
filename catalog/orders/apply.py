"""Applies queued orders to the catalog: all in one transaction, each exactly once.

Each is applied for the tenant that submitted it, whichever process applies it.

An order may be refused (`InvalidInput`): that is its result, and other orders are not affected. An
order that cannot be applied at all is poisoned: it goes to the quarantine, and the rest go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import duckdb

from catalog.errors import CatalogBroken, InvalidInput, NotRecorded
from catalog.inbox import spool
from catalog.inbox.queue import Inbox, Order
from catalog.inbox.refusals import error_to_json
from catalog.orders import (
    listing,
    maintenance,
    make_plan,
    make_versions,
    resources,
    runs,
    tokens,
    version_changes,
)
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements
from catalog.store.database import Database
from catalog.store.disk_errors import disk_error

MAX_ORDERS = 500  # orders in one transaction
HANDLERS: dict[str, Callable[[Transaction, Order], Result]] = {
    "listing": listing.apply_listing,
    "gaps": runs.apply_gaps,
    "plan": make_plan.apply_plan,
    "recheck": make_plan.apply_recheck,
    "version": make_versions.apply_version,
    "squash": version_changes.apply_delete,
    "retain": version_changes.apply_retain,
    "protect": version_changes.apply_protect,
    "unprotect": version_changes.apply_unprotect,
    "label": version_changes.apply_label,
    "forget": maintenance.apply_forget,
    "mend": maintenance.apply_repair,
    "breaches": runs.apply_breaches,
    "resources": resources.apply_changes,
    "resource-properties": resources.apply_properties,
    "resources-removed": resources.apply_removed,
    "token-create": tokens.apply_create,
    "token-revoke": tokens.apply_revoke,
    "run-start": runs.apply_run_start,
    "run-end": runs.apply_run_end,
}
OUTCOMES = "outcomes"
BREACHES = "breaches"
ROW_KINDS = (OUTCOMES, BREACHES)  # Parquet files; nobody waits for their result
POISON_ERRORS = (duckdb.Error, ValueError, LookupError, TypeError, CatalogBroken)
"""Errors of an order that cannot be applied."""
_MACHINE_ERRORS = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.TransactionException,
    duckdb.FatalException,
    duckdb.InternalException,
)
"""Errors of the machine, such as a full disk: acknowledged outcomes stay queued."""


class _PoisonedError(Exception):
    """An order could not be applied, though others may: the catalog itself is fine."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


class OrderApplier:
    """Applies the queued orders of an inbox; requires the exclusive catalog lock."""

    __slots__ = ("_database", "_inbox", "_spool")

    def __init__(self, database: Database, inbox: Inbox, spool: Path) -> None:
        """Apply the orders of `inbox` to `database`."""
        self._database = database
        self._inbox = inbox
        self._spool = spool

    def apply_pending(self, until: str) -> dict[str, Result]:
        """Apply queued orders, none newer than the batch `until`; return their results."""
        results: dict[str, Result] = {}
        pending = self._inbox.pending(until)
        for start in range(0, len(pending), MAX_ORDERS):
            orders = pending[start : start + MAX_ORDERS]
            try:
                with self._database.writable() as connection:
                    results |= self._apply_batch(connection, orders)
            except _PoisonedError:
                results |= self._apply_one_by_one(orders)
        self._inbox.remove_stale_drafts()
        spool.remove_stale_listings(self._spool)
        return results

    def _apply_one_by_one(self, orders: Sequence[Order]) -> dict[str, Result]:
        results: dict[str, Result] = {}
        for order in orders:
            try:
                with self._database.writable() as connection:
                    results |= self._apply_batch(connection, [order])
            except _PoisonedError as poisoned:
                error = poisoned.why
                full = disk_error(error)
                if full is not None:  # not the order's fault: it stays queued, or is withdrawn
                    raise full from error
                if (
                    order.kind in ROW_KINDS
                    and isinstance(error, _MACHINE_ERRORS)
                    and _is_readable(order)
                ):
                    raise CatalogBroken(f"the catalog could not be written: {error}") from error
                self._inbox.move_to_dead_letters(order, _rejection_reason(error))
        return results

    def _apply_batch(
        self, connection: duckdb.DuckDBPyConnection, orders: Sequence[Order]
    ) -> dict[str, Result]:
        try:
            return self._apply_in_transaction(connection, orders)
        except POISON_ERRORS as error:
            raise _PoisonedError(error) from error

    def _apply_in_transaction(
        self, connection: duckdb.DuckDBPyConnection, orders: Sequence[Order]
    ) -> dict[str, Result]:
        connection.execute("BEGIN")  # closing the connection rolls back
        known = _already_applied(connection, orders)
        results: dict[str, Result] = {}
        for (kind, tenant), group in _group_orders(
            order for order in orders if order.batch not in known
        ):
            results |= _apply_group(Transaction(connection, tenant, self._spool), kind, group)
        connection.execute("COMMIT")
        for order in orders:
            self._inbox.remove(order)
        return results


def _group_orders(orders: Iterable[Order]) -> Iterator[tuple[tuple[str, str], list[Order]]]:
    # Outcomes of different tenants are independent, so those of each tenant are applied together.
    for kind, group in groupby(orders, attrgetter("kind")):
        same = list(group)
        if kind == OUTCOMES:
            same.sort(key=attrgetter("tenant"))
        for tenant, own in groupby(same, attrgetter("tenant")):
            yield (kind, tenant), list(own)


def _apply_group(tx: Transaction, kind: str, orders: list[Order]) -> dict[str, Result]:
    if kind == OUTCOMES:
        results = runs.apply_outcomes(tx, orders)
    elif kind in HANDLERS:
        results = [_apply_one(tx, HANDLERS[kind], order) for order in orders]
    else:
        raise CatalogBroken(f"this program does not know orders of the kind {kind!r}: update it")
    tx.run_script(
        "runs/record_applied_orders",
        kind=kind,
        batches=[order.batch for order in orders],
        results=[json.dumps(result) for result in results],
    )
    return {order.batch: result for order, result in zip(orders, results, strict=True)}


def _apply_one(
    tx: Transaction, handler: Callable[[Transaction, Order], Result], order: Order
) -> Result:
    # An order is checked before it writes, so a refusal needs no rollback.
    try:
        return handler(tx, order)
    except (InvalidInput, NotRecorded) as error:
        return error_to_json(error)


def _already_applied(connection: duckdb.DuckDBPyConnection, orders: Sequence[Order]) -> set[str]:
    rows = statements.fetch_rows(
        connection,
        "SELECT batch FROM ingested WHERE batch IN (SELECT unnest($batches::VARCHAR[]))",
        batches=[order.batch for order in orders],
    )
    return {str(batch) for (batch,) in rows}


def _rejection_reason(error: Exception) -> str:
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            "it needs more memory than the catalog's engine may use: raise "
            "ENTREPOT_CATALOG_MEMORY, for example to 500MB, and try again"
        )
    return f"{type(error).__name__}: {error}"


def _is_readable(order: Order) -> bool:
    # Tells a damaged order from a fault of the machine.
    connection = duckdb.connect()
    try:
        connection.execute("FROM read_parquet(?)", [str(order.path)]).fetchall()
    except duckdb.Error:
        return False
    finally:
        connection.close()
    return True
