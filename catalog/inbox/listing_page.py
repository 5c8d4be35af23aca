"""A page of a listing: resources as a table, and the schema that every page must satisfy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from catalog.errors import InvalidInput
from catalog.model.digest import HEX_LENGTHS
from catalog.model.gap import Gap

if TYPE_CHECKING:
    import pandera.polars as pa
    import polars as pl

COLUMNS = (
    "path",
    "origin",
    "size",
    "etag",
    "modified_us",
    "sha256",
    "digests",
    "content_type",
    "properties",
)
_NAME_PATTERN = "^[^\\x00]+$"
_DIGEST_PATTERN = "|".join(f"{name}:[0-9a-f]{{{length}}}" for name, length in HEX_LENGTHS.items())
_DIGESTS_PATTERN = f"^({_DIGEST_PATTERN})(,({_DIGEST_PATTERN}))*$"


def make_page(rows: Sequence[tuple[str | int | None, ...]]) -> pl.DataFrame:
    """Return rows, each in the order of `COLUMNS`, as a page.

    Raises:
        InvalidInput: a row breaks the schema; names column, value and rule.
    """
    import polars as pl  # noqa: PLC0415  # costs 0.1 s, and most commands never list

    types: dict[str, type[pl.DataType]] = dict.fromkeys(COLUMNS, pl.String)
    types.update(size=pl.Int64, modified_us=pl.Int64)
    try:
        page = pl.DataFrame(rows, schema=types, orient="row")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"a listing cannot store {error.object!r}: not unicode") from error
    if not passes_quick_check(page):
        _validate(page)
    return page


def make_gaps_table(gaps: Iterable[Gap]) -> pl.DataFrame:
    """Return gaps as a table, one row each."""
    import polars as pl  # noqa: PLC0415  # see make_page

    rows = [(gap.path, gap.below, gap.code, gap.why) for gap in gaps]
    types = {"path": pl.String, "below": pl.Boolean, "code": pl.String, "why": pl.String}
    return pl.DataFrame(rows, schema=types, orient="row")


def passes_quick_check(page: pl.DataFrame) -> bool:
    """Say whether a page satisfies the schema: takes 1 ms, where importing pandera takes 300 ms.

    A test proves that it agrees with `page_schema`.
    """
    import polars as pl  # noqa: PLC0415  # see make_page

    rules = (
        pl.col("path", "origin").str.contains(_NAME_PATTERN).fill_null(value=False),
        (pl.col("size") >= 0).fill_null(value=True),
        pl.col("digests").str.contains(_DIGESTS_PATTERN).fill_null(value=True),
    )
    return all(page.select(*(rule.all() for rule in rules)).row(0))


@cache
def page_schema() -> pa.DataFrameSchema:
    """Return the schema of a page."""
    import pandera.polars as pa  # noqa: PLC0415  # see surely_fits
    import polars as pl  # noqa: PLC0415  # see make_page

    known: dict[str, pa.Column] = {
        "path": pa.Column(pl.String, checks=pa.Check.str_matches(_NAME_PATTERN)),
        "origin": pa.Column(pl.String, checks=pa.Check.str_matches(_NAME_PATTERN)),
        "size": pa.Column(pl.Int64, checks=pa.Check.ge(0), nullable=True),
        "modified_us": pa.Column(pl.Int64, nullable=True),
        "digests": pa.Column(
            pl.String, checks=pa.Check.str_matches(_DIGESTS_PATTERN), nullable=True
        ),
    }
    return pa.DataFrameSchema(
        {column: known.get(column, pa.Column(pl.String, nullable=True)) for column in COLUMNS},
        strict=True,
        ordered=True,
    )


def _validate(page: pl.DataFrame) -> None:
    from pandera.errors import SchemaErrors  # noqa: PLC0415  # see surely_fits

    try:
        page_schema().validate(page, lazy=True)
    except SchemaErrors as error:
        first = error.failure_cases.row(0, named=True)
        raise InvalidInput(
            f"a listing cannot store {first['column']} {first['failure_case']!r}: {first['check']}"
        ) from error
