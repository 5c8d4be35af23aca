"""Opens a catalog's file that is not in use, such as a copy, and looks whether it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from catalog.errors import CatalogBroken
from catalog.store.audit import Audit, run_audit
from catalog.store.database import Database, Reuse
from catalog.store.migrate import MigrationPendingError


def wal_of(file: Path) -> Path:
    """Return where the engine keeps what a crash left to be replayed."""
    return file.with_name(f"{file.name}.wal")


def audit_all_tenants(file: Path, tmp: Path) -> Audit:
    """Audit every tenant of a file that nobody else has open; `tmp` is for the engine's use.

    The file stays as it is: where an older program made it, a copy is brought up to date.

    Raises:
        CatalogBroken: it cannot be opened, or a newer program made it.
    """
    tmp.mkdir(parents=True, exist_ok=True)
    try:
        with _open_database(file, tmp).readable(Reuse.NOTHING) as connection:
            return _audit_connection(connection)
    except MigrationPendingError:
        copy = tmp / file.name
        shutil.copyfile(file, copy)
        if wal_of(file).exists():
            shutil.copyfile(wal_of(file), wal_of(copy))
        with _open_database(copy, tmp).writable() as connection:
            return _audit_connection(connection)
    except duckdb.Error as error:
        raise CatalogBroken(f"{str(file)!r} cannot be read: {error}") from error


def _open_database(file: Path, tmp: Path) -> Database:
    return Database(file, tmp, threads=2, memory="200MB")


def _audit_connection(connection: DuckDBPyConnection) -> Audit:
    rows = connection.execute("SELECT DISTINCT tenant FROM repositories ORDER BY tenant").fetchall()
    found = [run_audit(connection, tenant) for (tenant,) in rows]
    told = tuple(one for each in found for one in each.contradictions)
    return Audit(told, sum(one.count for one in found))
