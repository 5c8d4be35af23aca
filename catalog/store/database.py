"""Opens the DuckDB file: creates it in a format that older engines read, and migrates it.

It requires the catalog lock: DuckDB lets only one process write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from catalog.errors import CatalogBroken, CatalogUnavailable
from catalog.store.disk_errors import disk_error, reporting_disk_errors
from catalog.store.identity import PinnedIdentity
from catalog.store.migrate import check_current, migrate
from catalog.store.statements import sql_literal

RESTORE_MARKER = "restoring.json"
"""A file beside the catalog that exists while a restore moves files."""
MAX_PAGE_ROWS = 2000  # of a usual page
_READ_ONLY = "READ_ONLY"  # DuckDB's option


class Reuse(Enum):
    """Whether the engine is kept for the next use of the file."""

    ENGINE = "engine"
    NOTHING = "nothing"


class Database:
    """One catalog file and the resources that its engine may use.

    Creating an engine costs 18 ms of CPU, attaching a file 2 ms: engines are kept, and the file is
    detached after each use. Each use has its own connection, so that its temporary tables and what
    it did not commit end with it.
    """

    __slots__ = ("_idle_engines", "_memory", "_path", "_threads", "_tmp", "pin")

    def __init__(self, path: Path, tmp: Path, *, threads: int, memory: str) -> None:
        """Use the file `path`, with the engine's scratch folder `tmp` and its limits."""
        self._path = path
        self._idle_engines: list[tuple[int, DuckDBPyConnection]] = []  # with their pid
        self._tmp = tmp
        self._threads = threads
        self._memory = memory
        self.pin = PinnedIdentity(path)

    def exists(self) -> bool:
        """Say whether the file exists."""
        return self._path.exists()

    def writable(self) -> AbstractContextManager[DuckDBPyConnection]:
        """Open for writing; the file is created and migrated as needed."""
        return self._open("STORAGE_VERSION 'v1.5.0'", migrate, Reuse.ENGINE)

    def readable(self, reuse: Reuse = Reuse.ENGINE) -> AbstractContextManager[DuckDBPyConnection]:
        """Open read-only; raise `MigrationPendingError` if an older program made the file."""
        return self._open(_READ_ONLY, check_current, reuse)

    @contextmanager
    def _open(
        self, options: str, prepare: Callable[[DuckDBPyConnection], object], reuse: Reuse
    ) -> Generator[DuckDBPyConnection]:
        with reporting_disk_errors():
            engine = (
                self._take_idle_engine() if reuse is Reuse.ENGINE else None
            ) or self._create_engine()
            with self._use_engine(engine, options, prepare, reuse) as connection:
                yield connection

    @contextmanager
    def _use_engine(
        self,
        engine: DuckDBPyConnection,
        options: str,
        prepare: Callable[[DuckDBPyConnection], object],
        reuse: Reuse,
    ) -> Generator[DuckDBPyConnection]:
        try:
            connection = engine.cursor()
            try:
                self._attach(connection, options, prepare)
                yield connection
            finally:
                connection.close()
            if reuse is Reuse.ENGINE:
                engine.execute("DETACH catalog")
                self._idle_engines.append((os.getpid(), engine))
                return
        except BaseException:
            engine.close()
            raise
        engine.close()

    def _take_idle_engine(self) -> DuckDBPyConnection | None:
        while True:
            try:
                pid, engine = self._idle_engines.pop()
            except IndexError:
                return None
            if pid == os.getpid():  # a fork must not use its parent's threads
                return engine

    def _create_engine(self) -> DuckDBPyConnection:
        engine = duckdb.connect()
        for name, value in (
            ("autoinstall_known_extensions", "false"),
            ("threads", str(self._threads)),
            ("memory_limit", sql_literal(self._memory)),
            ("temp_directory", sql_literal(self._tmp / "spill")),
            ("enable_external_file_cache", "false"),  # spooled pages are read only once
            # Pages sort by a few columns, and read the others for their own rows only.
            ("late_materialization_max_rows", str(MAX_PAGE_ROWS)),
        ):
            engine.execute(f"SET GLOBAL {name} = {value}")
        return engine

    def _attach(
        self,
        connection: DuckDBPyConnection,
        options: str,
        prepare: Callable[[DuckDBPyConnection], object],
    ) -> None:
        self.pin.check_exists()
        if (self._tmp.parent / RESTORE_MARKER).exists():
            raise CatalogBroken(
                f"a restore of {str(self._path)!r} was interrupted: repeat "
                "`entrepot catalog restore` to resume it"
            )
        try:
            # The progress bar would print into a pipe after two seconds; both are per connection.
            # In a notebook, SET would require ipywidgets.
            connection.execute("PRAGMA disable_progress_bar")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"ATTACH {sql_literal(self._path)} AS catalog ({options})")
            connection.execute("USE catalog")
            self.pin.check_same(connection)
            prepare(connection)
        except duckdb.Error as error:
            # A failed read says nothing about whether the disk can be written.
            found = None if options == _READ_ONLY else disk_error(error)
            raise found or CatalogUnavailable(
                f"cannot open the catalog {str(self._path)!r}: {error}"
            ) from error
