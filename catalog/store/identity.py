"""Pins a process to one catalog: once pinned, no other file is accepted in its place.

Code that acts on what a catalog lacks, such as a gateway without tokens, must know that it is still
the same catalog: a missing, empty or replaced one proves nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog.errors import CatalogUnavailable


class PinnedIdentity:
    """The identity of a process's catalog; any catalog is accepted until `pin` is called."""

    __slots__ = ("_identity", "_last_file_identity", "_path")

    def __init__(self, path: Path) -> None:
        """Begin unpinned."""
        self._path = path
        self._identity: str | None = None
        self._last_file_identity: tuple[int, int] | None = None  # device and inode

    @property
    def is_pinned(self) -> bool:
        """Say whether a catalog was pinned."""
        return self._identity is not None

    def pin(self, connection: DuckDBPyConnection) -> None:
        """Accept only the open catalog from now on."""
        self._identity = _read_identity(connection)
        self._last_file_identity = self._file_identity()

    def check_exists(self) -> None:
        """Refuse a missing or empty file: the engine would create a catalog there.

        Raises:
            CatalogUnavailable: the catalog is missing or empty.
        """
        if self.is_pinned:
            self._file_identity()

    def was_replaced(self) -> bool:
        """Say whether another file has taken the place of the last one."""
        return self.is_pinned and self._last_file_identity != self._file_identity()

    def check_same(self, connection: DuckDBPyConnection) -> None:
        """Refuse an open catalog that is not the pinned one.

        Raises:
            CatalogUnavailable: it is another catalog.
        """
        if not self.is_pinned:
            return
        if _read_identity(connection) != self._identity:
            raise CatalogUnavailable(f"the catalog {str(self._path)!r} was replaced by another one")
        self._last_file_identity = self._file_identity()

    def _file_identity(self) -> tuple[int, int]:
        """Return device and inode of the file."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - asked with each request
        except OSError as error:
            why = f"the catalog {str(self._path)!r} is missing: {error.strerror}"
            raise CatalogUnavailable(why) from error
        if not status.st_size:
            raise CatalogUnavailable(f"the catalog {str(self._path)!r} is empty")
        return status.st_dev, status.st_ino


def _read_identity(connection: DuckDBPyConnection) -> str:
    """Return what identifies a catalog: the time of its creation."""
    known = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_migrations'"
        " AND database_name = current_database()"
    ).fetchone()
    if known is None:
        return ""
    created = connection.execute(
        "SELECT CAST(min(applied_at) AS VARCHAR) FROM schema_migrations"
    ).fetchone()
    return "" if created is None or created[0] is None else str(created[0])
