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
from catalog.inbox.refusals import refusal
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

MOST = 500  # orders in one transaction
KINDS: dict[str, Callable[[Transaction, Order], Result]] = {
    "listing": listing.fold,
    "gaps": run_records.fold_gaps,
    "plan": make_plan.fold,
    "recheck": make_plan.fold_recheck,
    "version": make_versions.fold,
    "squash": retention.fold_delete,
    "retain": retention.fold_retain,
    "protect": retention.fold_protect,
    "unprotect": retention.fold_unprotect,
    "label": version_labels.fold,
    "forget": upkeep.fold_forget,
    "mend": upkeep.fold_mend,
    "breaches": run_records.fold_breaches,
    "resources": resources.fold,
    "resource-properties": resources.fold_properties,
    "resources-removed": resources.fold_removed,
    "token-create": tokens.fold_create,
    "token-revoke": tokens.fold_revoke,
    "run-start": runs.fold_start,
    "run-end": runs.fold_end,
}
OUTCOMES = "outcomes"
BREACHES = "breaches"
ROWS = (OUTCOMES, BREACHES)  # they come as Parquet, and nobody waits for an answer
POISON = (duckdb.Error, ValueError, LookupError, TypeError, CatalogBroken)
"""What an order may raise that cannot be folded."""
_MACHINE = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.TransactionException,
    duckdb.FatalException,
    duckdb.InternalException,
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

    def settle(self, until: str) -> dict[str, Result]:
        """Fold what waits, none younger than the batch `until`; return what was answered."""
        results: dict[str, Result] = {}
        waiting = self._inbox.waiting(until)
        for start in range(0, len(waiting), MOST):
            orders = waiting[start : start + MOST]
            try:
                with self._database.writable() as connection:
                    results |= self._fold(connection, orders)
            except _PoisonedError:
                results |= self._one_by_one(orders)
        self._inbox.sweep()
        spool.sweep(self._spool)
        return results

    def _one_by_one(self, orders: Sequence[Order]) -> dict[str, Result]:
        results: dict[str, Result] = {}
        for order in orders:
            try:
                with self._database.writable() as connection:
                    results |= self._fold(connection, [order])
            except _PoisonedError as poisoned:
                error = poisoned.why
                full = disk_error(error)
                if full is not None:  # it is not the order's fault: it waits, or is taken back
                    raise full from error
                if order.kind in ROWS and isinstance(error, _MACHINE) and _readable(order):
                    raise CatalogBroken(f"the catalog could not be written: {error}") from error
                self._inbox.set_aside(order, _why(error))
        return results

    def _fold(
        self, connection: duckdb.DuckDBPyConnection, orders: Sequence[Order]
    ) -> dict[str, Result]:
        try:
            return self._fold_all(connection, orders)
        except POISON as error:
            raise _PoisonedError(error) from error

    def _fold_all(
        self, connection: duckdb.DuckDBPyConnection, orders: Sequence[Order]
    ) -> dict[str, Result]:
        connection.execute("BEGIN")  # closing the connection undoes what is not committed
        known = _ingested(connection, orders)
        results: dict[str, Result] = {}
        for (kind, tenant), group in _grouped(one for one in orders if one.batch not in known):
            results |= _apply(Transaction(connection, tenant, self._spool), kind, group)
        connection.execute("COMMIT")
        for order in orders:
            self._inbox.done(order)
        return results


def _grouped(orders: Iterable[Order]) -> Iterator[tuple[tuple[str, str], list[Order]]]:
    # What one tenant's outcomes do is nothing to another's, so those of each are folded together.
    for kind, group in groupby(orders, attrgetter("kind")):
        same = list(group)
        if kind == OUTCOMES:
            same.sort(key=attrgetter("tenant"))
        for tenant, own in groupby(same, attrgetter("tenant")):
            yield (kind, tenant), list(own)


def _apply(work: Transaction, kind: str, orders: list[Order]) -> dict[str, Result]:
    if kind == OUTCOMES:
        results = run_records.fold_outcomes(work, orders)
    elif kind in KINDS:
        results = [_answer(work, KINDS[kind], order) for order in orders]
    else:
        raise CatalogBroken(f"no order of the kind {kind!r} is known to this program")
    work.run(
        "ingested",
        kind=kind,
        batches=[order.batch for order in orders],
        results=[json.dumps(result) for result in results],
    )
    return {order.batch: result for order, result in zip(orders, results, strict=True)}


def _answer(
    work: Transaction, fold: Callable[[Transaction, Order], Result], order: Order
) -> Result:
    # An order checks before it writes, so a refusal leaves nothing to undo.
    try:
        return fold(work, order)
    except (InvalidInput, NotRecorded) as error:
        return refusal(error)


def _ingested(connection: duckdb.DuckDBPyConnection, orders: Sequence[Order]) -> set[str]:
    rows = statements.fetch_rows(
        connection,
        "SELECT batch FROM ingested WHERE batch IN (SELECT unnest($batches::VARCHAR[]))",
        batches=[order.batch for order in orders],
    )
    return {str(batch) for (batch,) in rows}


def _why(error: Exception) -> str:
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            "it needs more memory than the catalog's engine may take: raise "
            "ENTREPOT_CATALOG_MEMORY (500MB, say) and try again"
        )
    return f"{type(error).__name__}: {error}"


def _readable(order: Order) -> bool:
    # Whether the order itself is whole, when the machine seems to be at fault.
    connection = duckdb.connect()
    try:
        connection.execute("FROM read_parquet(?)", [str(order.path)]).fetchall()
    except duckdb.Error:
        return False
    finally:
        connection.close()
    return True
