"""Which catalog a process works with: once it has settled on one, no other takes its place.

Whoever decides by what a catalog lacks, as a gateway without tokens does, must know that it is the
catalog that was there before: one that is gone, empty or exchanged says nothing at all.
"""

from __future__ import annotations

import os
from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog.errors import CatalogUnavailable


class PinnedIdentity:
    """The catalog of a process; free, and then any is made or taken, until `settle` is called."""

    __slots__ = ("_identity", "_last_file_identity", "_path")

    def __init__(self, path: Path) -> None:
        """Begin free."""
        self._path = path
        self._identity: str | None = None
        self._last_file_identity: tuple[int, int] | None = (
            None  # device and inode of what was looked into last
        )

    @property
    def is_pinned(self) -> bool:
        """Say whether only one catalog will do."""
        return self._identity is not None

    def pin(self, connection: DuckDBPyConnection) -> None:
        """Take the open catalog for the only one from now on."""
        self._identity = _read_identity(connection)
        self._last_file_identity = self._file_identity()

    def check_exists(self) -> None:
        """Refuse a file that is not there, or empty: an engine would make a catalog of it.

        Raises:
            CatalogUnavailable: there is none now.
        """
        if self.is_pinned:
            self._file_identity()

    def was_replaced(self) -> bool:
        """Say whether another file bears the name by now than the one that was looked into."""
        return self.is_pinned and self._last_file_identity != self._file_identity()

    def check_same(self, connection: DuckDBPyConnection) -> None:
        """Refuse an open catalog that is not the one, whatever name it bears.

        Raises:
            CatalogUnavailable: it is another one.
        """
        if not self.is_pinned:
            return
        if _read_identity(connection) != self._identity:
            raise CatalogUnavailable(f"{str(self._path)!r} is another catalog than it was before")
        self._last_file_identity = self._file_identity()

    def _file_identity(self) -> tuple[int, int]:
        """Return device and inode of the file."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - asked with each request
        except OSError as error:
            why = f"the catalog {str(self._path)!r} is not there: {error.strerror}"
            raise CatalogUnavailable(why) from error
        if not status.st_size:
            raise CatalogUnavailable(f"the catalog {str(self._path)!r} is empty")
        return status.st_dev, status.st_ino


def _read_identity(connection: DuckDBPyConnection) -> str:
    """Return what tells a catalog from every other: the moment when it was made."""
    known = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_migrations'"
        " AND database_name = current_database()"
    ).fetchone()
    if known is None:
        return ""
    made = connection.execute(
        "SELECT CAST(min(applied_at) AS VARCHAR) FROM schema_migrations"
    ).fetchone()
    return "" if made is None or made[0] is None else str(made[0])
