"""Opens a catalog file that is not in use, such as a copy, and audits it."""

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
    """Return the path of the engine's write-ahead log."""
    return file.with_name(f"{file.name}.wal")


def audit_all_tenants(file: Path, tmp: Path) -> Audit:
    """Audit every tenant of a file that nobody else has open; `tmp` is scratch space.

    The file is not changed: if an older program made it, a copy is migrated instead.

    Raises:
        CatalogBroken: the file cannot be opened, or a newer program made it.
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
        raise CatalogBroken(f"cannot read {str(file)!r}: {error}") from error


def _open_database(file: Path, tmp: Path) -> Database:
    return Database(file, tmp, threads=2, memory="200MB")


def _audit_connection(connection: DuckDBPyConnection) -> Audit:
    rows = connection.execute("SELECT DISTINCT tenant FROM repositories ORDER BY tenant").fetchall()
    audits = [run_audit(connection, tenant) for (tenant,) in rows]
    contradictions = tuple(found for audit in audits for found in audit.contradictions)
    return Audit(contradictions, sum(audit.count for audit in audits))
