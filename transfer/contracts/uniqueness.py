"""Finds duplicates across a whole file; for large files with DuckDB, on disk if necessary.

pandera could only compare the rows of one chunk.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from transfer.contracts.findings import MAX_CASES, Findings
from transfer.contracts.row_chunk import RowChunk
from transfer.contracts.table_schema import Unique

MEMORY = "256MB"
ROW = "c0"


class UniquenessCheck:
    """Collects the relevant columns chunk by chunk, and reports duplicates in the end."""

    def __init__(self, uniques: list[Unique]) -> None:
        """Check each rule of `uniques`."""
        self._uniques = uniques
        self._columns = list(dict.fromkeys(name for unique in uniques for name in unique.columns))
        self._first: pl.DataFrame | None = None  # until there is a second chunk
        self._folder: TemporaryDirectory[str] | None = None
        self._parts = 0

    def __enter__(self) -> Self:
        """Begin empty."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the temporary files."""
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, chunk: RowChunk) -> None:
        """Add the columns of a chunk."""
        if not self._uniques or not set(chunk.frame.columns).issuperset(self._columns):
            return  # a missing column is reported elsewhere
        columns = [pl.Series(ROW, list(chunk.rows), pl.Int64)]
        columns += [chunk.frame[name].alias(key) for key, name in self._column_keys()]
        frame = pl.DataFrame(columns)
        if self._first is None and not self._parts:
            self._first = frame
            return
        if self._first is not None:
            self._folder = TemporaryDirectory(prefix="entrepot-")
            self._write(self._first)
            self._first = None
        self._write(frame)

    def report(self, findings: Findings) -> None:
        """Report every row with a duplicate."""
        if self._first is not None:
            for unique in self._uniques:
                self._report_from_memory(self._first, unique, findings)
        elif self._folder is not None:
            self._report_from_disk(self._folder.name, findings)

    def _column_keys(self) -> list[tuple[str, str]]:
        return [(f"c{number}", name) for number, name in enumerate(self._columns, 1)]

    def _keys(self, unique: Unique) -> list[str]:
        return [key for key, name in self._column_keys() if name in unique.columns]

    def _write(self, frame: pl.DataFrame) -> None:
        if self._folder is not None:
            path = Path(self._folder.name) / f"{self._parts:06d}.parquet"
            frame.write_parquet(path, compression="lz4")
            self._parts += 1

    def _report_from_memory(self, frame: pl.DataFrame, unique: Unique, findings: Findings) -> None:
        keys = self._keys(unique)
        same = pl.struct(keys)
        double = {
            "exclude_first": ~same.is_first_distinct(),
            "exclude_last": ~same.is_last_distinct(),
        }
        rows = frame.filter(double.get(unique.reported, same.is_duplicated()))
        for row, *values in rows.select(ROW, *keys).iter_rows():
            self._add(unique, row, values, findings)

    def _report_from_disk(self, folder: str, findings: Findings) -> None:
        connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": 1})
        try:
            connection.execute("PRAGMA disable_progress_bar")
            connection.execute("SET temp_directory = ?", [f"{folder}/spill"])
            for unique in self._uniques:
                self._report_one(connection, f"{folder}/*.parquet", unique, findings)
        finally:
            connection.close()

    def _report_one(
        self,
        connection: duckdb.DuckDBPyConnection,
        parts: str,
        unique: Unique,
        findings: Findings,
    ) -> None:
        keys = self._keys(unique)
        # Columns are renamed to numbers: no user input becomes part of the query.
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE duplicates AS "  # noqa: S608  # ours, see above
            f"SELECT {', '.join(keys)}, count(*) AS times, min({ROW}) AS first, max({ROW}) AS last "
            "FROM read_parquet(?) GROUP BY ALL HAVING count(*) > 1",
            [parts],
        )
        same = " AND ".join(f"r.{key} IS NOT DISTINCT FROM d.{key}" for key in keys)
        spared = {"exclude_first": f"{ROW} <> first", "exclude_last": f"{ROW} <> last"}
        rows = connection.execute(
            f"SELECT {ROW}, {', '.join(f'r.{key}' for key in keys)} "  # noqa: S608  # ours
            f"FROM read_parquet(?) r JOIN duplicates d ON {same} "
            f"WHERE {spared.get(unique.reported, 'true')} ORDER BY {ROW} LIMIT ?",
            [parts, MAX_CASES],
        ).fetchall()
        for row, *values in rows:
            self._add(unique, row, values, findings)
        ((times, values),) = connection.execute(
            "SELECT coalesce(sum(times), 0), count(*) FROM duplicates"
        ).fetchall()
        findings.count += int(times) - (values if unique.reported in spared else 0) - len(rows)

    def _add(self, unique: Unique, row: int, values: list[object], findings: Findings) -> None:
        named = [name for name in self._columns if name in unique.columns]
        if len(named) == 1:
            findings.add("field_uniqueness", row, named[0], values[0])
        else:
            value = dict(zip(named, values, strict=True))
            findings.add("multiple_fields_uniqueness", row, None, value)
