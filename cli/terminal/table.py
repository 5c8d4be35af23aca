"""An answer of the command line: a table as text, a list of objects as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flows.results.table import text_table


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of named values; `words` are the columns that lean left, `rest` what stands below."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    words: tuple[str, ...] = ()
    empty: str = "nothing"
    rest: tuple[str, ...] = field(default=())

    def as_json(self) -> list[dict[str, object]]:
        """Return one mapping a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def __str__(self) -> str:
        """Return the table, or the word for an empty one."""
        rows = [dict(zip(self.columns, map(cell_text, row), strict=True)) for row in self.rows]
        table = text_table(self.columns, rows, self.words) if rows else [self.empty]
        return "\n".join([*table, *self.rest])


def cell_text(value: object) -> str:
    """Return a value as a cell of a table.

    >>> cell_text(None), cell_text(datetime(2026, 5, 1, 12, 30, tzinfo=UTC)), cell_text(("a", "b"))
    ('', '2026-05-01 12:30:00', 'a, b')
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def moment(microseconds: int | None) -> datetime | None:
    """Return a time of a storage, in UTC."""
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1e6, tz=UTC)
