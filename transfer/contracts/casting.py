"""Casts text and JSON values to the types that a schema declares, and reports what does not fit.

A row with such a value is reported for that alone: no other check sees it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from transfer.contracts.findings import Findings
from transfer.contracts.row_chunk import RowChunk

Types = Mapping[str, pl.DataType]
"""The declared type of each column that has one."""

_DATETIME_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")


def from_text(chunk: RowChunk, types: Types, findings: Findings) -> RowChunk:
    """Cast rows of text to the declared types; rows that do not fit are dropped and reported."""
    columns = chunk.frame.get_columns()
    casted = [
        _parse_column(column, types[column.name]) if column.name in types else column
        for column in columns
    ]
    pairs = zip(columns, casted, strict=True)
    failed = [before.is_not_null() & after.is_null() for before, after in pairs]
    for column, which in zip(columns, failed, strict=True):
        _report_misfits(chunk.rows, column.__getitem__, column.name, types, which, findings)
    return _drop_failed(chunk.rows, casted, failed)


def from_json(
    rows: Sequence[int],
    objects: Sequence[Mapping[str, Any]],
    names: Iterable[str],
    types: Types,
    findings: Findings,
) -> RowChunk:
    """Convert JSON objects to a table; objects that do not fit are dropped and reported.

    It has the columns `names` and one for every other key. A missing key is null; columns without
    a declared type are text.
    """
    columns = dict.fromkeys((*names, *types, *(key for item in objects for key in item)))
    casted: list[pl.Series] = []
    failed: list[pl.Series] = []
    for name in columns:
        values = [item.get(name) for item in objects]
        if name in types:
            column = _from_values(name, values, types[name])
        else:
            column = pl.Series(name, [_as_text(value) for value in values], pl.String)
        there = pl.Series([value is not None for value in values], dtype=pl.Boolean)
        which = there & column.is_null()
        _report_misfits(rows, values.__getitem__, name, types, which, findings)
        casted.append(column)
        failed.append(which)
    return _drop_failed(rows, casted, failed)


def _report_misfits(
    rows: Sequence[int],
    value: Callable[[int], object],
    name: str,
    types: Types,
    which: pl.Series,
    findings: Findings,
) -> None:
    for index in which.arg_true():
        findings.add(f"a value of type {types[name]}", rows[index], name, value(index))


def _drop_failed(rows: Sequence[int], casted: list[pl.Series], failed: list[pl.Series]) -> RowChunk:
    frame = pl.DataFrame(casted)
    if not any(column.any() for column in failed):
        return RowChunk(rows, frame)
    valid = ~pl.DataFrame(
        [column.alias(str(n)) for n, column in enumerate(failed)]
    ).max_horizontal()
    return RowChunk([rows[index] for index in valid.arg_true()], frame.filter(valid))


def _parse_column(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Cast text to a type; null where it does not fit."""
    if dtype == pl.String:
        return column
    expression = _as_type(pl.col(column.name), dtype)
    return column.to_frame().select(expression.alias(column.name)).to_series()


def _as_type(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Boolean):
        lower = text.str.to_lowercase()
        return pl.when(lower.is_in(["true", "false"])).then(lower == "true").otherwise(None)
    if isinstance(dtype, pl.Date):
        return text.str.to_date("%Y-%m-%d", strict=False)
    if isinstance(dtype, pl.Time):
        return text.str.to_time("%H:%M:%S%.f", strict=False)
    if isinstance(dtype, pl.Datetime):
        zone = dtype.time_zone
        moments = pl.coalesce(
            text.str.to_datetime(
                f"{form}%#z" if zone else form,
                time_unit=dtype.time_unit,
                time_zone="UTC" if zone else None,
                strict=False,
            )
            for form in _DATETIME_FORMATS
        )
        return moments.dt.convert_time_zone(zone) if zone else moments
    return text.cast(dtype, strict=False)


def _from_values(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    """Cast JSON values to a type; null where one does not fit."""
    if dtype.is_integer():
        kinds: tuple[type, ...] = (int,)
    elif dtype.is_numeric():
        kinds = (int, float)
    elif isinstance(dtype, pl.Boolean):
        kinds = (bool,)
    elif isinstance(dtype, pl.List | pl.Array):
        kinds = (list,)
    elif isinstance(dtype, pl.Struct):
        kinds = (dict,)
    else:  # text, and what JSON has as text: dates, times, categories
        texts = [value if type(value) is str else None for value in values]
        return _parse_column(pl.Series(name, texts, pl.String), dtype)
    fitting = [value if type(value) in kinds else None for value in values]
    return pl.Series(name, fitting, dtype, strict=False)


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
