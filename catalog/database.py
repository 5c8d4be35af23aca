"""Opens the DuckDB file: created with a format that older engines read, migrated, bounded.

Open it only while the turnstile is held: DuckDB lets one process write.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from catalog.errors import CatalogBroken
from catalog.migrate import migrate, pending


class Database:
    """One catalog file and how much of the machine its engine may use."""

    __slots__ = ("_memory", "_path", "_threads", "_tmp")

    def __init__(self, path: Path, tmp: Path, *, threads: int, memory: str) -> None:
        """Name the file, where the engine may spill, and its bounds."""
        self._path = path
        self._tmp = tmp
        self._threads = threads
        self._memory = memory

    def exists(self) -> bool:
        """Say whether the file was made already."""
        return self._path.exists()

    def writable(self) -> duckdb.DuckDBPyConnection:
        """Open for writing, made and migrated as needed; the caller closes it."""
        return self._open("STORAGE_VERSION 'v1.5.0'", migrate)

    @contextmanager
    def readable(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Open for reading alone."""
        connection = self._open("READ_ONLY", pending)
        try:
            yield connection
        finally:
            connection.close()

    def _open(
        self, options: str, ready: Callable[[duckdb.DuckDBPyConnection], object]
    ) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        try:
            for name, value in (
                ("enable_progress_bar", "false"),  # it would print into a pipe after two seconds
                ("autoinstall_known_extensions", "false"),
                ("threads", str(self._threads)),
                ("memory_limit", _quote(self._memory)),
                ("temp_directory", _quote(str(self._tmp / "spill"))),
                ("TimeZone", "'UTC'"),
            ):
                connection.execute(f"SET {name} = {value}")
            connection.execute(f"ATTACH {_quote(str(self._path))} AS catalog ({options})")
            connection.execute("USE catalog")
            ready(connection)
        except duckdb.Error as error:
            connection.close()
            raise CatalogBroken(f"cannot open the catalog {str(self._path)!r}: {error}") from error
        except BaseException:
            connection.close()
            raise
        return connection


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
