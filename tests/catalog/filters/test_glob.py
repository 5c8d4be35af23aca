"""Globs mean the same in Python and in DuckDB."""

from __future__ import annotations

import re

import duckdb
import pytest

from catalog.errors import InvalidInput
from catalog.glob import globs_to_regex

CASES = [
    ("*.csv", "a.csv", True),
    ("*.csv", "x/y/a.csv", True),
    ("*.csv", "x/a.csv.gz", False),
    ("x/*.csv", "x/a.csv", True),
    ("x/*.csv", "x/y/a.csv", False),
    ("x/*.csv", "z/x/a.csv", False),
    ("/*.csv", "a.csv", True),
    ("/*.csv", "x/a.csv", False),
    ("**/x", "x", True),
    ("**/x", "a/b/x", True),
    ("**/x", "a/bx", False),
    ("a/**", "a/b", True),
    ("a/**", "a/b/c", True),
    ("a/**", "a", False),
    ("a/**", "ab/c", False),
    ("a/", "a/b", True),
    ("a/**/z", "a/z", True),
    ("a/**/z", "a/b/c/z", True),
    ("a/**/z", "az", False),
    ("a**z/b", "a/q/z/b", True),
    ("?.txt", "a.txt", True),
    ("?.txt", "ab.txt", False),
    ("a?b/c", "a/b/c", False),
    ("[abc].txt", "b.txt", True),
    ("[abc].txt", "d.txt", False),
    ("[!abc].txt", "d.txt", True),
    ("[!abc].txt", "a.txt", False),
    ("[a-c]x", "bx", True),
    ("[a-c]x", "-x", False),
    ("[]]x", "]x", True),
    ("[^a]x", "^x", True),
    ("x[!a]y/z", "x/y/z", False),
    ("a.b", "axb", False),
    ("a+(b)|{c}$", "a+(b)|{c}$", True),
    ("[a", "[a", True),
    ("ü?.*", "üö.x", True),
    ("*", "new\nline", True),
    ("a b~#&@,;'\"", "a b~#&@,;'\"", True),
]


@pytest.mark.parametrize(("pattern", "path", "matches"), CASES, ids=repr)
def test_a_glob_means_the_same_in_python_and_in_duckdb(
    pattern: str, path: str, *, matches: bool
) -> None:
    expression = globs_to_regex((pattern,))

    found = duckdb.execute("SELECT regexp_full_match(?, ?)", [path, expression]).fetchone()

    assert found == (matches,)
    assert bool(re.fullmatch(expression, path)) is matches


def test_any_of_several_patterns_is_enough() -> None:
    expression = globs_to_regex(("*.csv", "a/**"))

    assert re.fullmatch(expression, "a/x")
    assert re.fullmatch(expression, "b/x.csv")
    assert not re.fullmatch(expression, "b/x")


def test_no_pattern_gives_no_expression() -> None:
    assert globs_to_regex(()) == ""


@pytest.mark.parametrize("pattern", ["", "[!]", "[z-a]"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput):
        globs_to_regex((pattern,))
