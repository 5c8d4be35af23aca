"""Tables of results: as text for a terminal, as HTML for a notebook."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence

Rows = Sequence[dict[str, str]]
"""One mapping per row, each with every column."""


def text_table(columns: Sequence[str], rows: Rows, text_columns: Collection[str] = ()) -> list[str]:
    """Return a line with the column names and a line for each row.

    The first column and `text_columns` are aligned left, the others right.

    >>> text_table(("name", "files"), [{"name": "a", "files": "12"}])
    ['  name  files', '  a        12']
    """
    every = [dict(zip(columns, columns, strict=True)), *rows]
    widths = {name: max(len(row[name]) for row in every) for name in columns}

    def cell(row: dict[str, str], name: str) -> str:
        left = name == columns[0] or name in text_columns
        return row[name].ljust(widths[name]) if left else row[name].rjust(widths[name])

    return ["  ".join(["", *(cell(row, name) for name in columns)]).rstrip() for row in every]


def html_table(columns: Sequence[str], rows: Rows) -> str:
    """Return the table for notebooks, everything escaped."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(row[name])}</td>" for name in columns) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
