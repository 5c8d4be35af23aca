"""Numbered migrations: each file is applied once, in one transaction, with its checksum.

A catalog with a migration that this program lacks is newer and refused; so is one whose applied
migration was edited since.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog.errors import CatalogBroken

FOLDER = Path(__file__).parent / "migrations"


class MigrationPendingError(Exception):
    """A catalog must be migrated before it can be read; its opener does that."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`: its number, name, text and checksum."""

    number: int
    name: str
    text: str
    sha256: str

    @classmethod
    def from_path(cls, path: Path) -> Migration:
        """Read one file."""
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(int(path.stem.split("_", 1)[0]), path.stem, text, digest)


def pending(connection: DuckDBPyConnection, folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations to apply; raise `CatalogBroken` for a newer or edited catalog."""
    have = _applied(connection)
    known = [Migration.from_path(path) for path in sorted(folder.glob("[0-9]*.sql"))]
    newer = set(have) - {migration.number for migration in known}
    if newer:
        raise CatalogBroken(
            f"the catalog is newer than this program: it has migration {max(newer)}, the newest "
            f"known one is {max((migration.number for migration in known), default=0)}; "
            "update entrepot"
        )
    for migration in known:
        if have.get(migration.number, migration.sha256) != migration.sha256:
            raise CatalogBroken(
                f"migration {migration.name!r} was edited after it was applied: restore it"
            )
    return [migration for migration in known if migration.number not in have]


def check_current(connection: DuckDBPyConnection, folder: Path = FOLDER) -> None:
    """Raise `MigrationPendingError` if a migration is pending."""
    if pending(connection, folder):
        raise MigrationPendingError


def migrate(connection: DuckDBPyConnection, folder: Path = FOLDER) -> None:
    """Apply pending migrations, each one completely or not at all."""
    for one in pending(connection, folder):
        connection.execute("BEGIN")
        connection.execute(one.text)
        connection.execute(
            "INSERT INTO schema_migrations VALUES (?, ?, ?, now()::TIMESTAMP)",
            [one.number, one.name, one.sha256],
        )
        connection.execute("COMMIT")


def _applied(connection: DuckDBPyConnection) -> dict[int, str]:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_migrations'"
        " AND database_name = current_database()"
    ).fetchone()
    if found is None:
        return {}
    return dict(connection.execute("SELECT number, sha256 FROM schema_migrations").fetchall())
