"""Moves many rows into and out of the catalog as Parquet files, never all in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cache
from io import BytesIO
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from catalog.model.breach import Breach
from catalog.model.digest import Digest
from catalog.model.outcome import Outcome
from catalog.store import statements

if TYPE_CHECKING:
    import polars as pl

FETCH_ROWS = 10_000  # rows
MIN_FREE_BYTES = 64 * 2**20  # with less, temporary files go elsewhere
_OUTCOME_COLUMNS = tuple(field.name for field in fields(Outcome))
_INTEGER_COLUMNS = ("size", "modified_us", "origin_size", "origin_modified_us", "attempts")
_outcome_values = attrgetter(*_OUTCOME_COLUMNS)
_BREACH_COLUMNS = (
    *("contract", "consequence", "path", "origin", "origin_etag", "digest"),
    *("failures", "aside", "failed_check", "row_number", "column_name", "value"),
)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write a table of some thousand rows; a full disk raises an `OSError`.

    Polars, given the path, would raise its own errors, which vary by where it happened.
    """
    data = BytesIO()
    table.write_parquet(data, compression="lz4")
    path.write_bytes(data.getbuffer())


def write_outcomes(path: Path, run_id: str, plan_id: str, outcomes: Sequence[Outcome]) -> None:
    """Write the rows of an order of outcomes."""
    import polars as pl  # noqa: PLC0415  # costs 0.2 s, and a reader of the catalog never needs it

    for outcome in outcomes:
        if outcome.digest is not None:
            Digest("sha256", outcome.digest)  # fails here, where the caller gets the error
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(_OUTCOME_COLUMNS, pl.String)
    schema.update(dict.fromkeys(_INTEGER_COLUMNS, pl.Int64), cleaned=pl.Boolean)
    rows = pl.DataFrame(
        list(map(_outcome_values, outcomes)), schema=schema, orient="row"
    ).with_columns(pl.lit(run_id).alias("run_id"), pl.lit(plan_id).alias("plan_id"))
    write_table(rows, path)


def write_breaches(path: Path, run_id: str, breaches: Sequence[Breach]) -> None:
    """Write the rows of an order of breaches: one for each failure case."""
    import polars as pl  # noqa: PLC0415  # see write_outcomes

    schema: dict[str, type[pl.DataType]] = dict.fromkeys(_BREACH_COLUMNS, pl.String)
    schema.update(failures=pl.Int64, row_number=pl.Int64)
    rows = [
        (
            *(
                breach.contract,
                breach.then,
                breach.path,
                breach.origin,
                breach.origin_etag,
                breach.digest,
            ),
            *(breach.failures, breach.aside, case.check, case.row, case.column, case.value),
        )
        for breach in breaches
        for case in breach.cases
    ]
    table = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.lit(run_id).alias("run_id")
    )
    write_table(table, path)


def temporary_path(folder: Path, what: str) -> Path:
    """Return a new path for temporary rows: in `folder`, or in the system's temporary folder.

    So a catalog on a full or read-only disk can still be read.
    """
    name = f"{uuid.uuid4().hex}.{what}"
    roomy = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= MIN_FREE_BYTES
    return folder / name if roomy else Path(tempfile.gettempdir()) / f"entrepot-{name}"


def export_rows(
    connection: duckdb.DuckDBPyConnection, path: Path, query: str, **values: object
) -> None:
    """Copy the result of a query out of the catalog, so that its reader blocks nobody."""
    target = statements.sql_literal(path)
    statements.fetch_rows(connection, f"COPY ({query}) TO {target} (FORMAT parquet)", **values)


def read_exported_rows(path: Path) -> Iterator[statements.Row]:
    """Yield the rows of such a file in order, and delete it."""
    connection = parquet_engine(os.getpid()).cursor()
    try:
        connection.execute("PRAGMA disable_progress_bar")
        connection.execute("FROM read_parquet(?)", [str(path)])
        rows: list[statements.Row]
        while rows := connection.fetchmany(FETCH_ROWS):
            yield from rows
    finally:
        connection.close()
        path.unlink()


@cache
def parquet_engine(_pid: int) -> duckdb.DuckDBPyConnection:
    """Return the engine that reads exported rows in this process."""
    # Creating one costs 10 ms of CPU, so it is kept; a fork must not use its parent's threads. The
    # file cache would keep every file ever read in memory.
    return duckdb.connect(config={"threads": 1, "enable_external_file_cache": False})
