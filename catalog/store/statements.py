"""SQL in files: `sql/<subject>/<name>.sql`, statements with named parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

_SQL_FOLDER = Path(__file__).parent / "sql"
_PARAMETER = re.compile(r"\$(\w+)")

FETCH_ROWS = 500
"""Rows that are fetched at once: other Python threads wait meanwhile."""
Row = tuple[Any, ...]
"""A row from DuckDB; the caller knows its columns."""


@cache
def load_sql(name: str) -> str:
    """Return the text of `sql/<subject>/<name>.sql`."""
    return (_SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def unseen_query(rows: str, gaps: str) -> str:
    """Return the query for those of `rows` that lie in one of `gaps`; both are tables."""
    return load_sql("plans/unseen").replace("{rows}", rows).replace("{gaps}", gaps)


def sql_literal(value: object) -> str:
    """Return a text or a path as an SQL literal, for places that allow no parameter.

    >>> sql_literal("it's")
    "'it''s'"
    """
    return "'" + str(value).replace("'", "''") + "'"


def fetch_rows(connection: DuckDBPyConnection, query: str, **values: object) -> list[Row]:
    """Run one statement with those `values` that it uses, and return all rows."""
    named = {name: values[name] for name in _PARAMETER.findall(query)}
    cursor = connection.execute(query, named)
    rows: list[Row] = []
    while page := cursor.fetchmany(FETCH_ROWS):
        rows += page
    return rows


def execute_script(
    connection: DuckDBPyConnection, statements: str, values: Mapping[str, object]
) -> None:
    """Run every statement of a script."""
    for statement in statements.split(";\n"):
        if statement.strip():
            fetch_rows(connection, statement, **values)


def as_utc(moment: datetime) -> datetime:
    """Add the zone UTC to a time from the catalog."""
    return moment.replace(tzinfo=UTC)


def row_limit(limit: int | None) -> int:
    """Return what LIMIT takes for a number of rows, or for all of them."""
    return 2**62 if limit is None else limit
