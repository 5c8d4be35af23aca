"""Patterns fit what DuckDB's own would, in linear time, and no other tenant's rows tell of them."""

from __future__ import annotations

import itertools
import time

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import InvalidInput
from catalog.filters.condition import render_condition

NAMES = [
    *("".join(one) for count in range(4) for one in itertools.product("aB%_.*[", repeat=count)),
    *("a\nb", "ä", "a]b", "a-b", "é%", "Ä"),
]


def fits(condition: str) -> list[str]:
    """Return the names that a condition lets through."""
    with duckdb.connect() as engine:
        query = f"SELECT path FROM (SELECT unnest($names) AS path) WHERE {condition}"  # noqa: S608
        return [name for (name,) in engine.execute(query, {"names": NAMES}).fetchall()]


@settings(max_examples=60, deadline=None)
@given(
    st.text("aB%_.*[]\\!ä-^", max_size=6),
    st.sampled_from(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]),
    st.sampled_from(["", " ESCAPE '!'"]),
)
def test_like_fits_the_same(pattern: str, operator: str, escape: str) -> None:
    condition = f"path {operator} '{pattern}'{escape}"
    try:
        expected = fits(condition)
    except duckdb.Error:  # an escape with nothing behind it
        return
    try:
        found = fits(render_condition(condition))
    except InvalidInput:
        # DuckDB finds the same fault only in a row that matches all before it.
        assert escape
        assert pattern.endswith("!")
        return
    assert found == expected


@pytest.mark.parametrize(
    "pattern", ["*", "a*", "?", "[aB]", "[!a]*", "[a-z]?", "*.", "\\*", "**", "", "*[*]*"]
)
def test_glob_fits_the_same(pattern: str) -> None:
    condition = f"path GLOB '{pattern}'"
    expected, found = fits(condition), fits(render_condition(condition))
    # DuckDB's own takes a byte for a character.
    assert [one for one in found if one.isascii()] == [one for one in expected if one.isascii()]


def test_no_pattern_takes_for_ever() -> None:
    """Twelve of these pairs take DuckDB's own LIKE minutes on one name."""
    name = "a" * 240
    for condition in (
        "path LIKE '" + "%a_" * 12 + "%b_%'",
        "path GLOB '" + "*a?" * 12 + "*b?*'",
        "path NOT ILIKE '" + "%a_" * 12 + "%b_%'",
    ):
        began = time.monotonic()
        with duckdb.connect() as engine:
            query = f"SELECT {render_condition(condition)} FROM (SELECT $name AS path)"  # noqa: S608
            engine.execute(query, {"name": name}).fetchall()
        assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "condition",
    [
        "path LIKE path",
        "path LIKE 'a' || path",
        "path LIKE NULL",
        "path LIKE 'a!' ESCAPE '!'",
        "path LIKE 'a' ESCAPE 'xy'",
        "path GLOB path",
        "regexp_matches(path, path)",
        "regexp_extract(path, sha256) = ''",
        "path ~ '('",
        "path ~ '(a{1000}){1000}'",
    ],
)
def test_a_pattern_that_cannot_be_compiled_once_is_refused(condition: str) -> None:
    with pytest.raises(InvalidInput, match="cannot use the condition"):
        render_condition(condition)
