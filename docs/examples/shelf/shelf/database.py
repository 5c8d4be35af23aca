"""The database of a shelf: one row a file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import ConnectionFailed, StorageBusy

TABLE = """CREATE TABLE IF NOT EXISTS files
(path TEXT PRIMARY KEY, data BLOB NOT NULL, etag INTEGER NOT NULL)"""


class Database:
    """A connection that threads share; what SQLite says becomes an error of Entrepot's."""

    def __init__(self, file: str, timeout_s: float) -> None:
        """Open it; the folder must be there, the file is made."""
        if not Path(file).parent.is_dir():
            raise ConnectionFailed(f"there is no folder for the shelf {file!r}")
        self._lock = threading.Lock()
        self._open = sqlite3.connect(file, timeout_s, check_same_thread=False)
        with self.use() as database:
            database.execute(TABLE)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Give it to one thread, in a transaction."""
        with self._lock:
            try:
                with self._open as database:
                    yield database
            except sqlite3.OperationalError as error:
                raise StorageBusy(f"the shelf cannot be used now: {error}") from error

    def close(self) -> None:
        """Close it; twice is fine."""
        self._open.close()
