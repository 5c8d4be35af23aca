"""Moves many rows in and out of the catalog through Parquet files, never all in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cache
from operator import attrgetter
from pathlib import Path

import duckdb

from catalog import script
from catalog.breach import Breach
from catalog.digest import Digest
from catalog.outcome import Outcome

FETCH = 10_000  # rows
_NAMES = tuple(field.name for field in fields(Outcome))
_NUMBERS = ("size", "modified_us", "origin_size", "origin_modified_us", "attempts")
_VALUES = attrgetter(*_NAMES)
_BREACH = (
    *("contract", "consequence", "path", "origin", "origin_etag", "digest"),
    *("failures", "aside", "failed_check", "row_number", "column_name", "value"),
)


def write_outcomes(path: Path, run_id: str, plan_id: str, outcomes: Sequence[Outcome]) -> None:
    """Write the rows of an order of outcomes."""
    import polars as pl  # noqa: PLC0415  # costs 0.2 s, and a reader of the catalog never needs it

    for one in outcomes:
        if one.digest is not None:
            Digest("sha256", one.digest)  # refuse it here, where its giver hears of it
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(_NAMES, pl.String)
    schema.update(dict.fromkeys(_NUMBERS, pl.Int64), cleaned=pl.Boolean)
    pl.DataFrame(list(map(_VALUES, outcomes)), schema=schema, orient="row").with_columns(
        pl.lit(run_id).alias("run_id"), pl.lit(plan_id).alias("plan_id")
    ).write_parquet(path, compression="lz4")


def write_breaches(path: Path, run_id: str, breaches: Sequence[Breach]) -> None:
    """Write the rows of an order of breaches: one for each failure case."""
    import polars as pl  # noqa: PLC0415  # see write_outcomes

    schema: dict[str, type[pl.DataType]] = dict.fromkeys(_BREACH, pl.String)
    schema.update(failures=pl.Int64, row_number=pl.Int64)
    rows = [
        (
            *(one.contract, one.then, one.path, one.origin, one.origin_etag, one.digest),
            *(one.failures, one.aside, case.check, case.row, case.column, case.value),
        )
        for one in breaches
        for case in one.cases
    ]
    pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.lit(run_id).alias("run_id")
    ).write_parquet(path, compression="lz4")


def write_rows(
    connection: duckdb.DuckDBPyConnection, path: Path, query: str, **values: object
) -> None:
    """Copy what a query finds out of the catalog, so that nobody waits for its reader."""
    target = str(path).replace("'", "''")
    script.ask(connection, f"COPY ({query}) TO '{target}' (FORMAT parquet)", **values)


def stream_rows(path: Path) -> Iterator[script.Row]:
    """Yield the rows of such a copy in its order, and remove it."""
    connection = _engine(os.getpid()).cursor()
    try:
        connection.execute("PRAGMA disable_progress_bar")
        connection.execute("FROM read_parquet(?)", [str(path)])
        rows: list[script.Row]
        while rows := connection.fetchmany(FETCH):
            yield from rows
    finally:
        connection.close()
        path.unlink()


@cache
def _engine(_pid: int) -> duckdb.DuckDBPyConnection:
    # Making one costs 10 ms of CPU, so it is kept; a fork must not use its parent's threads.
    return duckdb.connect(config={"threads": 1})
