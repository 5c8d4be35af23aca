r"""A user's SQL condition on a listing: parsed, checked part by part, and rendered from the tree.

The given text itself never runs: DuckDB renders a tree in which only columns of a listing,
constants, operators, and functions of one row are allowed.

>>> render_condition("size > 10 and path like '%.csv'")
"((size > 10) AND regexp_full_match(path, '.*\\.csv', 's'))"
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

import duckdb

from catalog.errors import InvalidInput
from catalog.filters.like_patterns import rewrite_patterns
from catalog.inbox.listing_page import COLUMNS

MAX_LENGTH = 2_000  # characters
_FUNCTION_NAMES = """
+ - * / // % ** ^ || & | ~~ !~~ ~~* !~~* ~~~ ->> ^@
abs array_extract ceil coalesce concat contains date_diff date_part date_trunc datediff datepart
datetrunc day dayname dayofweek dayofyear ends_with epoch epoch_ms epoch_us even floor greatest
hash hour ilike_escape instr isodow isoyear json_exists json_extract_string json_valid last_day
least left length like_escape list_contains list_value lower ltrim make_date make_timestamp md5
minute mod month monthname not_ilike_escape not_like_escape nullif parse_dirname parse_dirpath
parse_filename position prefix quarter regexp_extract regexp_full_match regexp_matches reverse
right round row rtrim second sha256 sign split_part sqrt starts_with strftime string_split
strip_accents strlen strpos strptime substr substring suffix to_days to_hours to_minutes to_months
to_seconds to_timestamp to_weeks to_years trim trunc try_strptime unicode upper week weekday
weekofyear year yearweek
"""
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
"""Pure functions that need little memory: no clock, no randomness, no files."""
_TYPES = """
BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT
DOUBLE DECIMAL VARCHAR DATE TIME TIMESTAMP INTERVAL
"""
TYPES = frozenset((*_TYPES.split(), "TIMESTAMP WITH TIME ZONE"))
_CHILD_FIELDS = {  # class of a node -> the fields with its children
    "BETWEEN": ("input", "lower", "upper"),
    "CASE": ("case_checks", "else_expr"),
    "CAST": ("child",),
    "COLUMN_REF": (),
    "COMPARISON": ("left", "right"),
    "CONJUNCTION": ("children",),
    "CONSTANT": (),
    "FUNCTION": ("children",),
    "OPERATOR": ("children",),
}
_ENGINE_ERRORS = (
    duckdb.InterruptException,
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.OutOfMemoryException,
)
"""Errors that the condition did not cause."""
_FORBIDDEN_CLAUSES = (
    "modifiers",
    "where_clause",
    "group_expressions",
    "group_sets",
    "having",
    "sample",
)
_EMPTY_LISTING = ", ".join(
    f"NULL::{'BIGINT' if name in {'size', 'modified_us'} else 'VARCHAR'} AS {name}"
    for name in COLUMNS
)

Node = dict[str, Any]


@lru_cache(256)
def render_condition(text: str) -> str:
    """Return a condition as SQL that is safe to run on a listing.

    Raises:
        InvalidInput: it is not a condition on one row of a listing; says what is wrong.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInput(
            f"where has {len(text):,} characters, at most {MAX_LENGTH:,} are allowed"
        )
    engine = duckdb.connect(config={"enable_external_access": "false"})
    try:
        statement = _parse(engine, text)
        _check_allowed(text, _single_expression(text, statement))
        linear = rewrite_patterns(statement, lambda why: _condition_error(text, why))
        row = engine.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(linear)])
        (sql,) = cast("tuple[str]", row.fetchone())
        expression = sql.removeprefix("SELECT ")
        _check_boolean(engine, text, expression)
    except duckdb.Error as error:
        raise _condition_error(text, str(error).splitlines()[0]) from error
    except RecursionError as error:
        raise _condition_error(text, "it is nested too deeply") from error
    finally:
        engine.close()
    return expression


def render_tested_condition(text: str, files: Sequence[str]) -> str:
    """Return a condition as `render_condition` does; refuse one that fails on a row of `files`.

    It runs in a separate engine: an error in the catalog's own would end its transaction.
    """
    condition = render_condition(text)
    engine = duckdb.connect()
    try:
        # `condition` was rendered from a tree of allowed parts.
        query = f"SELECT count(*) FILTER (WHERE {condition}) FROM read_parquet(?)"  # noqa: S608
        engine.execute("SET threads = 1").execute("SET memory_limit = '256MB'")
        engine.execute("SET TimeZone = 'UTC'").execute(query, [list(files)]).fetchall()
    except duckdb.Error as error:
        raise _condition_error(text, str(error).splitlines()[0]) from error
    finally:
        engine.close()
    return condition


@contextmanager
def reporting_condition_errors(text: str) -> Generator[None]:
    """Report an error that a condition caused on some row as `InvalidInput`.

    Raises:
        InvalidInput: it fails on a row: a cast, a square root, an impossible date.
    """
    try:
        yield
    except duckdb.DatabaseError as error:
        if not text or isinstance(error, _ENGINE_ERRORS):
            raise
        raise _condition_error(text, str(error).splitlines()[0]) from error


def _parse(engine: duckdb.DuckDBPyConnection, text: str) -> Node:
    row = engine.execute("SELECT json_serialize_sql(?::VARCHAR)", [f"SELECT {text}\n"]).fetchone()
    (answer,) = cast("tuple[str]", row)
    tree: Node = json.loads(answer)
    if tree["error"]:
        raise _condition_error(text, str(tree.get("error_message", "it cannot be read")))
    return tree


def _single_expression(text: str, tree: Node) -> Node:
    if len(tree["statements"]) != 1:
        raise _condition_error(text, "it has more than one statement")
    node: Node = tree["statements"][0]["node"]
    plain = (
        node["type"] == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not node["cte_map"]["map"]
        and not node.get("qualify")
        and not any(node.get(name) for name in _FORBIDDEN_CLAUSES)
    )
    if not plain or node["select_list"][0].get("alias"):
        raise _condition_error(text, "it must be one condition, without FROM, WHERE or AS")
    only: Node = node["select_list"][0]
    return only


def _check_allowed(text: str, node: Node) -> None:
    kind = node.get("class")
    if kind not in _CHILD_FIELDS:
        raise _condition_error(text, f"{str(kind).lower()} is not allowed")
    if kind == "COLUMN_REF" and (
        len(node["column_names"]) != 1 or node["column_names"][0].lower() not in COLUMNS
    ):
        name = ".".join(node["column_names"])
        raise _condition_error(text, f"a listing has no column {name!r}, only {', '.join(COLUMNS)}")
    if kind == "FUNCTION":
        _check_function(text, node)
    if kind == "CAST" and node["cast_type"]["id"] not in TYPES:
        raise _condition_error(text, f"a cast to {node['cast_type']['id']} is not allowed")
    for name in _CHILD_FIELDS[kind]:
        part = node[name]
        for child in part if isinstance(part, list) else [part]:
            if name == "case_checks":
                _check_allowed(text, child["when_expr"])
                _check_allowed(text, child["then_expr"])
            else:
                _check_allowed(text, child)


def _check_function(text: str, node: Node) -> None:
    plain = (
        node["schema"] in {"", "main"}
        and not node.get("catalog")
        and not node.get("filter")
        and not node.get("distinct")
        and not node["order_bys"]["orders"]
    )
    if not plain or node["function_name"].lower() not in FUNCTIONS:
        raise _condition_error(text, f"the function {node['function_name']!r} is not allowed")


def _check_boolean(engine: duckdb.DuckDBPyConnection, text: str, expression: str) -> None:
    query = f"SELECT {expression} FROM (SELECT {_EMPTY_LISTING}) LIMIT 0"  # noqa: S608  # see rendered
    kind = str(engine.execute(query).description[0][1])
    if kind.upper() not in {"BOOLEAN", "BOOL"}:
        raise _condition_error(text, f"it must be true or false, found {kind}")


def _condition_error(text: str, why: str) -> InvalidInput:
    return InvalidInput(f"cannot use the condition where={text!r}: {why}")
