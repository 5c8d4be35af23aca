"""The quick look at a page says what the schema says."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from catalog.inbox.listing_page import COLUMNS, page_schema, passes_quick_check

NAMES = st.text(st.sampled_from("a/\x00\n ü."), max_size=3)
MD5 = "md5:" + "0" * 32
DIGESTS = st.sampled_from(["", MD5, f"{MD5},{MD5}", f"{MD5},", "md5:00", MD5.upper(), f"{MD5}\n"])
ROWS = st.tuples(
    NAMES,
    NAMES,
    st.none() | st.integers(-1, 1),
    st.none(),
    st.none() | st.integers(-1, 1),
    st.none(),
    st.none() | DIGESTS,
    st.none(),
    st.none(),
)


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_the_quick_look_and_the_schema_agree(rows: list[tuple[str | int | None, ...]]) -> None:
    types: dict[str, type[pl.DataType]] = dict.fromkeys(COLUMNS, pl.String)
    types.update(size=pl.Int64, modified_us=pl.Int64)
    page = pl.DataFrame(rows, schema=types, orient="row")
    try:
        page_schema().validate(page, lazy=True)
        fits = True
    except SchemaErrors:
        fits = False

    assert passes_quick_check(page) is fits
