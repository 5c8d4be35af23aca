"""SQL that lies in files: `sql/<name>.sql`, statements with named parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"\$(\w+)")

Row = tuple[Any, ...]
"""What DuckDB gives for a row; whoever unpacks it says what the columns are."""


@cache
def text(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def ask(connection: DuckDBPyConnection, query: str, **values: object) -> list[Row]:
    """Run one statement with the `values` that it names, and return all its rows."""
    named = {name: values[name] for name in _NAME.findall(query)}
    return connection.execute(query, named).fetchall()


def run(connection: DuckDBPyConnection, statements: str, values: Mapping[str, object]) -> None:
    """Run every statement of a script."""
    for statement in statements.split(";\n"):
        if statement.strip():
            ask(connection, statement, **values)
