"""Schemas and functions that contracts of the tests name as module:name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pandera.polars as pa
import polars as pl

from catalog.model.breach import FailureCase


class Price(pa.DataFrameModel):
    """Prices of things."""

    id: int = pa.Field(ge=0, unique=True)
    name: str = pa.Field(nullable=True)


def _high(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).mean() > 2)


def _even(value: int) -> bool:
    return value % 2 == 0


MEAN = pa.DataFrameSchema({"id": pa.Column(pl.Int64, pa.Check(_high, name="mean above 2"))})
EVEN = pa.DataFrameSchema(
    {"id": pa.Column(pl.Int64, pa.Check(_even, element_wise=True, name="even"))}
)
NOTHING = 7


def no_drafts(content: BinaryIO, path: str) -> Iterator[FailureCase | str]:
    """Refuse lines that are drafts, and files that are called so."""
    if "draft" in path:
        yield f"{path} is a draft"
    for number, line in enumerate(content, 1):
        if b"DRAFT" in line:
            yield FailureCase("no draft", number)


def broken(content: BinaryIO, path: str) -> list[int]:
    """Answer what no contract answers."""
    del content, path
    return [7]


def refusing(content: BinaryIO, path: str) -> None:
    """Refuse everything by an error."""
    raise ValueError(f"{path} of {len(content.read())} bytes is not wanted")
