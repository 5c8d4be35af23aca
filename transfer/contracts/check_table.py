"""Checks a table against a pandera schema, chunk by chunk, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from transfer.contracts.casting import from_json, from_text
from transfer.contracts.contract import Contract, Format
from transfer.contracts.csv_rows import csv_chunks
from transfer.contracts.findings import Findings
from transfer.contracts.json_rows import read_lines
from transfer.contracts.parquet_rows import parquet_chunks
from transfer.contracts.row_chunk import CHUNK_ROWS, RowChunk
from transfer.contracts.table_schema import (
    schema_of,
    types_of,
    unique_columns,
    whole_table_checks,
    without_uniqueness,
)
from transfer.contracts.uniqueness import UniquenessCheck
from transfer.workers.stop import StopFlag

MAX_TABLE_BYTES = 256 * 2**20  # in memory, if a check needs the whole table


def check_table(
    contract: Contract,
    form: Format,
    content: bytes | Path,
    findings: Findings,
    stop: StopFlag,
    *,
    size: int = CHUNK_ROWS,
    max_bytes: int = MAX_TABLE_BYTES,
) -> None:
    """Check the rows of a file against the schema of a contract."""
    schema = schema_of(contract.rule)
    if form is Format.JSONL:
        chunks = _json_chunks(contract, content, schema, findings, size)
    elif form is Format.CSV:
        named = [name for name, one in schema.columns.items() if not one.regex]
        texts = csv_chunks(content, contract, named, findings, size)
        chunks = (from_text(text, types_of(schema, text.frame.columns), findings) for text in texts)
    else:
        chunks = parquet_chunks(content, contract, findings, size)
    chunks = _checking_stop(stop, chunks)
    entire = whole_table_checks(schema, contract.own_checks)
    if entire:
        chunks = _join_chunks(chunks, entire, findings, max_bytes)
    with ExitStack() as stack:
        uniqueness: UniquenessCheck | None = None
        for chunk in chunks:
            if uniqueness is None:
                names = chunk.frame.columns
                uniqueness = stack.enter_context(UniquenessCheck(unique_columns(schema, names)))
                schema = without_uniqueness(schema)
            _validate(schema, chunk, findings)
            uniqueness.add(chunk)
        if uniqueness is not None:
            uniqueness.report(findings)


def _checking_stop(stop: StopFlag, chunks: Iterable[RowChunk]) -> Iterator[RowChunk]:
    for chunk in chunks:
        stop.check()
        yield chunk


def _json_chunks(
    contract: Contract,
    content: bytes | Path,
    schema: pa.DataFrameSchema,
    findings: Findings,
    size: int,
) -> Iterator[RowChunk]:
    """Yield the objects of JSON Lines as tables with all declared columns."""
    seen: set[str] = set()
    named = [name for name, one in schema.columns.items() if not one.regex]
    objects = _objects(contract, content, findings)
    yielded = False
    while page := list(islice(objects, size)):
        for _, entry in page:
            seen.update(entry)
        rows, found = [row for row, _ in page], [entry for _, entry in page]
        yield from_json(rows, found, named, types_of(schema, seen), findings)
        yielded = True
    if not yielded:
        return
    for name, column in schema.columns.items():
        if column.required and column.nullable and not column.regex and name not in seen:
            findings.add("column_in_dataframe", column=None, value=name)


def _objects(
    contract: Contract, content: bytes | Path, findings: Findings
) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, value in read_lines(content, contract, findings):
        if isinstance(value, dict):
            yield row, value
        else:
            findings.add("an object", row, value=value)


def _join_chunks(
    chunks: Iterable[RowChunk], entire: list[str], findings: Findings, whole: int
) -> Iterator[RowChunk]:
    """Yield all rows as one chunk, unless they need too much memory."""
    rows: list[int] = []
    frames: list[pl.DataFrame] = []
    held = 0
    for chunk in chunks:
        rows += chunk.rows
        frames.append(chunk.frame)
        held += int(chunk.frame.estimated_size())
        if held > whole:
            findings.add(
                f"a table of at most {whole} bytes in memory, for it is needed whole by the check "
                f"{', '.join(entire)}"
            )
            return
    if frames:
        yield RowChunk(rows, pl.concat(frames, how="diagonal_relaxed"))


def _validate(schema: pa.DataFrameSchema, chunk: RowChunk, findings: Findings) -> None:
    with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            schema.validate(chunk.frame, lazy=True)
        except SchemaErrors as error:
            failures = error.failure_cases
        else:
            return
    cases = list(failures.select("check", "index", "column", "failure_case").iter_rows())
    mistyped = {column for check, _, column, _ in cases if check.startswith("dtype(")}
    for check, index, column, value in cases:
        if column not in mistyped or check.startswith("dtype("):  # a wrong type fails every check
            findings.add(check, None if index is None else chunk.rows[index], column, value)
