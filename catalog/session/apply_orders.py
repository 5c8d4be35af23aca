"""Folds the orders that wait into the catalog: all in one transaction, each exactly once.

Each is folded for the tenant that gave it, whoever folds.

What an order asks for may be refused (`InvalidInput`): that is an answer, and nothing else is
disturbed. An order that cannot be folded at all is poisoned: it is set aside, and the rest go on.
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
    make_plan,
    make_versions,
    resources,
    retention,
    run_records,
    runs,
    tokens,
    upkeep,
    version_labels,
)
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements
from catalog.store.database import Database
from catalog.store.disk_errors import disk_error

MAX_ORDERS = 500  # orders in one transaction
HANDLERS: dict[str, Callable[[Transaction, Order], Result]] = {
    "listing": listing.apply_listing,
    "gaps": run_records.apply_gaps,
    "plan": make_plan.apply_plan,
    "recheck": make_plan.apply_recheck,
    "version": make_versions.apply_version,
    "squash": retention.apply_delete,
    "retain": retention.apply_retain,
    "protect": retention.apply_protect,
    "unprotect": retention.apply_unprotect,
    "label": version_labels.apply_label,
    "forget": upkeep.apply_forget,
    "mend": upkeep.apply_repair,
    "breaches": run_records.apply_breaches,
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
ROW_KINDS = (OUTCOMES, BREACHES)  # they come as Parquet, and nobody waits for an answer
POISON_ERRORS = (duckdb.Error, ValueError, LookupError, TypeError, CatalogBroken)
"""What an order may raise that cannot be folded."""
_MACHINE_ERRORS = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.TransactionException,
    duckdb.FatalException,
)
"""A full disk is no reason to set acknowledged outcomes aside; who waits for an answer is told."""


class _PoisonedError(Exception):
    """An order could not be folded: unlike a catalog that cannot be opened, others may."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


class OrderApplier:
    """Folds what waits in an inbox; call it only while the turnstile is held alone."""

    __slots__ = ("_database", "_inbox", "_spool")

    def __init__(self, database: Database, inbox: Inbox, spool: Path) -> None:
        """Fold `inbox` into `database`."""
        self._database = database
        self._inbox = inbox
        self._spool = spool

    def apply_pending(self, until: str) -> dict[str, Result]:
        """Fold what waits, none younger than the batch `until`; return what was answered."""
        results: dict[str, Result] = {}
        waiting = self._inbox.pending(until)
        for start in range(0, len(waiting), MAX_ORDERS):
            orders = waiting[start : start + MAX_ORDERS]
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
                if full is not None:  # it is not the order's fault: it waits, or is taken back
                    raise full from error
                if (
                    order.kind in ROW_KINDS
                    and isinstance(error, _MACHINE_ERRORS)
                    and _is_readable(order)
                ):
                    raise CatalogBroken(f"the catalog could not be written: {error}") from error
                self._inbox.quarantine(order, _rejection_reason(error))
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
        connection.execute("BEGIN")  # closing the connection undoes what is not committed
        known = _already_applied(connection, orders)
        results: dict[str, Result] = {}
        for (kind, tenant), group in _group_orders(one for one in orders if one.batch not in known):
            results |= _apply_group(Transaction(connection, tenant, self._spool), kind, group)
        connection.execute("COMMIT")
        for order in orders:
            self._inbox.remove(order)
        return results


def _group_orders(orders: Iterable[Order]) -> Iterator[tuple[tuple[str, str], list[Order]]]:
    # What one tenant's outcomes do is nothing to another's, so those of each are folded together.
    for kind, group in groupby(orders, attrgetter("kind")):
        same = list(group)
        if kind == OUTCOMES:
            same.sort(key=attrgetter("tenant"))
        for tenant, own in groupby(same, attrgetter("tenant")):
            yield (kind, tenant), list(own)


def _apply_group(work: Transaction, kind: str, orders: list[Order]) -> dict[str, Result]:
    if kind == OUTCOMES:
        results = run_records.apply_outcomes(work, orders)
    elif kind in HANDLERS:
        results = [_apply_one(work, HANDLERS[kind], order) for order in orders]
    else:
        raise CatalogBroken(f"no order of the kind {kind!r} is known to this program")
    work.run_script(
        "ingested",
        kind=kind,
        batches=[order.batch for order in orders],
        results=[json.dumps(result) for result in results],
    )
    return {order.batch: result for order, result in zip(orders, results, strict=True)}


def _apply_one(
    work: Transaction, handler: Callable[[Transaction, Order], Result], order: Order
) -> Result:
    # An order checks before it writes, so a refusal leaves nothing to undo.
    try:
        return handler(work, order)
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
            "it needs more memory than the catalog's engine may take: raise "
            "ENTREPOT_CATALOG_MEMORY (500MB, say) and try again"
        )
    return f"{type(error).__name__}: {error}"


def _is_readable(order: Order) -> bool:
    # Whether the order itself is whole, when the machine seems to be at fault.
    connection = duckdb.connect()
    try:
        connection.execute("FROM read_parquet(?)", [str(order.path)]).fetchall()
    except duckdb.Error:
        return False
    finally:
        connection.close()
    return True
