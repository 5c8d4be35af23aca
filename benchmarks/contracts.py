"""How much memory and time a contract takes on a CSV, Parquet and JSON Lines file of any size.

python -m benchmarks.contracts 5000000            # rows; prints peak memory, before and after
python -m benchmarks.contracts 5000000 rows.csv   # one format alone
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from transfer.contracts.check_file import check_file
from transfer.contracts.contract import Contract, Kind, Rule

SCHEMA = """
columns:
  id: {dtype: int64, unique: true, checks: {greater_than_or_equal_to: 0}}
  name: {dtype: string, checks: {str_startswith: name}}
  price: {dtype: float64, checks: {less_than: 1000000000}}
  day: {dtype: date}
strict: true
"""
PART = 250_000  # rows made at once


def main(rows: int, *names: str) -> None:
    """Make a file of each format with one bad value in its last row, and check it."""
    contract = Contract("bench", Rule(Kind.PANDERA, SCHEMA))
    with tempfile.TemporaryDirectory() as folder:
        for name in names or ("rows.csv", "rows.jsonl", "rows.parquet"):
            path = Path(folder) / name
            making = get_context("spawn").Process(target=_make, args=(path, rows))
            making.start()  # elsewhere, for it takes memory of its own
            making.join()
            before = _peak()
            began = time.perf_counter()
            report = check_file(contract, name, path)
            seconds = time.perf_counter() - began
            size = path.stat().st_size / 1e6
            print(
                f"{name}: {size:.0f} MB, {rows} rows, {seconds:.1f} s, {size / seconds:.0f} MB/s, "
                f"peak {before:.0f} -> {_peak():.0f} MB, {report.count} found: "
                f"{next(map(str, report.cases), '')}"
            )
            path.unlink()


def _make(path: Path, rows: int) -> None:
    if path.suffix == ".parquet":
        scan = (
            _part(0, rows).lazy()
            if rows <= PART
            else pl.concat(
                [_part(start, min(PART, rows - start)).lazy() for start in range(0, rows, PART)]
            )
        )
        scan.sink_parquet(path, row_group_size=PART)
        return
    with path.open("wb") as file:
        for start in range(0, rows, PART):
            part = _part(start, min(PART, rows - start))
            if start + len(part) == rows:
                part = part.with_columns(
                    pl.when(pl.col("id") == rows - 1).then(-7).otherwise("id").alias("id")
                )
            if path.suffix == ".csv":
                part.write_csv(file, include_header=start == 0)
            else:
                part.write_ndjson(file)


def _part(start: int, rows: int) -> pl.DataFrame:
    number = pl.int_range(start, start + rows)
    return pl.select(
        number.alias("id"),
        ("name of number " + (number % 1000).cast(pl.String)).alias("name"),
        (number / 7).alias("price"),
        pl.lit("2024-02-29").str.to_date().repeat_by(rows).explode().alias("day"),
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000, *sys.argv[2:])
