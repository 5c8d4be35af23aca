"""Evaluates a user's condition on rows that were copied out of the catalog, a slice at a time.

DuckDB notices an interrupt only every hundred thousand rows or so, and until then nobody could
write. So user input never runs on the catalog: pages of rows are copied out of it and filtered by a
separate engine, in slices that take a tenth of a second each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from catalog.errors import InvalidInput
from catalog.store import statements

TARGET_S = 0.1
FIRST_PAGE, LARGEST_PAGE = 2_000, 50_000  # rows
FIRST_SLICE, LARGEST_SLICE = 64, 4_096  # rows
MEMORY = "256MB"


@dataclass(frozen=True, slots=True)
class SliceSize:
    """How many rows are processed at once: more when that is quick, fewer when it is slow."""

    count: int
    maximum: int

    def adjusted(self, took_s: float) -> SliceSize:
        """Return the next size, given how long this many rows took.

        >>> SliceSize(64, 4_096).adjusted(0.01).count, SliceSize(64, 100).adjusted(0.01).count
        (128, 100)
        >>> SliceSize(64, 4_096).adjusted(0.15).count, SliceSize(64, 4_096).adjusted(1.0).count
        (64, 32)
        """
        if took_s < TARGET_S:
            return SliceSize(min(self.maximum, self.count * 2), self.maximum)
        return self if took_s < 2 * TARGET_S else SliceSize(max(1, self.count // 2), self.maximum)


class ConditionSandbox:
    """A page of rows outside the catalog; close it after use."""

    def __init__(self, file: Path, spill: Path) -> None:
        """Load the rows of a Parquet file; what does not fit into memory goes to `spill`."""
        self._engine = duckdb.connect()
        try:
            for name, value in (
                ("threads", "1"),
                ("memory_limit", statements.sql_literal(MEMORY)),
                ("TimeZone", "'UTC'"),
                ("temp_directory", statements.sql_literal(spill)),
            ):
                self._engine.execute(f"SET {name} = {value}")
            self._engine.execute("PRAGMA disable_progress_bar")
            load = "CREATE TABLE page AS SELECT * FROM read_parquet(?)"
            self._engine.execute(load, [str(file)])
            (self.count,) = statements.fetch_rows(self._engine, "SELECT count(*) FROM page")[0]
        except BaseException:
            self.close()
            raise

    def last_row(self, columns: str) -> statements.Row:
        """Return these columns of the last row."""
        query = f"SELECT {columns} FROM page ORDER BY rowid DESC LIMIT 1"  # noqa: S608 - ours
        return statements.fetch_rows(self._engine, query)[0]

    def rows(
        self, query: str, check: Callable[[], None], **values: object
    ) -> Iterator[statements.Row]:
        """Yield the rows that `query` selects from the table `page`, in its order.

        The query is limited to the rows from `$first` to `$behind`; `check` is called between
        slices and may raise to stop.

        Raises:
            InvalidInput: the condition takes too much memory.
        """
        first, chunk = 0, SliceSize(FIRST_SLICE, LARGEST_SLICE)
        while first < self.count:
            check()
            began_s = time.monotonic()
            bounds = {"first": first, "behind": first + chunk.count}
            try:
                yield from statements.fetch_rows(self._engine, query, **values, **bounds)
            except duckdb.OutOfMemoryException as error:
                raise InvalidInput(
                    f"the condition needs more than {MEMORY} of memory: simplify it"
                ) from error
            first += chunk.count
            chunk = chunk.adjusted(time.monotonic() - began_s)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
