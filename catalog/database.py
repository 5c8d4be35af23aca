"""Opens the DuckDB file: created with a format that older engines read, migrated, bounded.

Open it only while the turnstile is held: DuckDB lets one process write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

import duckdb

from catalog.errors import CatalogBroken
from catalog.migrate import migrate, pending


class Reuse(Enum):
    """Whether a reader may leave its engine to the next one."""

    ENGINE = "engine"
    NOTHING = "nothing"


class Database:
    """One catalog file and how much of the machine its engine may use."""

    __slots__ = ("_idle", "_memory", "_path", "_threads", "_tmp")

    def __init__(self, path: Path, tmp: Path, *, threads: int, memory: str) -> None:
        """Name the file, where the engine may spill, and its bounds."""
        self._path = path
        self._idle: list[tuple[int, duckdb.DuckDBPyConnection]] = []  # by the pid that made them
        self._tmp = tmp
        self._threads = threads
        self._memory = memory

    def exists(self) -> bool:
        """Say whether the file was made already."""
        return self._path.exists()

    def writable(self) -> duckdb.DuckDBPyConnection:
        """Open for writing, made and migrated as needed; the caller closes it."""
        return self._attached(self._engine(), "STORAGE_VERSION 'v1.5.0'", migrate)

    @contextmanager
    def readable(self, reuse: Reuse = Reuse.ENGINE) -> Generator[duckdb.DuckDBPyConnection]:
        """Open for reading alone; the file is let go at the end, the engine is kept.

        Making an engine costs 18 ms of CPU, attaching a file to one 2 ms.
        """
        engine = self._idle_engine() if reuse is Reuse.ENGINE else None
        connection = self._attached(engine or self._engine(), "READ_ONLY", pending)
        try:
            yield connection
            if reuse is Reuse.ENGINE:
                connection.execute("USE memory")
                connection.execute("DETACH catalog")
                self._idle.append((os.getpid(), connection))
                return
        except BaseException:
            connection.close()
            raise
        connection.close()

    def _idle_engine(self) -> duckdb.DuckDBPyConnection | None:
        while True:
            try:
                pid, connection = self._idle.pop()
            except IndexError:
                return None
            if pid == os.getpid():  # a fork must not use its parent's threads
                return connection

    def _engine(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        for name, value in (
            ("enable_progress_bar", "false"),  # it would print into a pipe after two seconds
            ("autoinstall_known_extensions", "false"),
            ("threads", str(self._threads)),
            ("memory_limit", _quote(self._memory)),
            ("temp_directory", _quote(str(self._tmp / "spill"))),
            ("TimeZone", "'UTC'"),
        ):
            connection.execute(f"SET {name} = {value}")
        return connection

    def _attached(
        self,
        connection: duckdb.DuckDBPyConnection,
        options: str,
        ready: Callable[[duckdb.DuckDBPyConnection], object],
    ) -> duckdb.DuckDBPyConnection:
        try:
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
