"""What a query prints: a table as text, a list of objects as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from catalog.formats.quantities import format_bytes
from flows.results.table import text_table


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of named values, for people and for programs.

    As text, `text_columns` are aligned left, `counts` get thousands separators, `sizes` (bytes) are
    shown as KiB, MiB or GiB, and `notes` follow the rows. JSON has the values as they are.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    text_columns: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    empty: str = "nothing"
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> list[dict[str, object]]:
        """Return one mapping per row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def __str__(self) -> str:
        """Return the table, or `empty` if there are no rows."""
        rows = [
            {name: self._cell(name, value) for name, value in zip(self.columns, row, strict=True)}
            for row in self.rows
        ]
        table = text_table(self.columns, rows, self.text_columns) if rows else [self.empty]
        return "\n".join([*table, *self.notes])

    def _cell(self, column: str, value: object) -> str:
        if isinstance(value, int):
            if column in self.sizes:
                return format_bytes(value)
            if column in self.counts:
                return f"{value:,}"
        return cell_text(value)


def cell_text(value: object) -> str:
    """Return a value as a cell of a table.

    >>> cell_text(None), cell_text(datetime(2026, 5, 1, 12, 30, tzinfo=UTC)), cell_text(("a", "b"))
    ('', '2026-05-01 12:30:00 UTC', 'a, b')
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def format_time(time: datetime) -> str:
    """Return a time in UTC with its zone; one without a zone stays as it is.

    >>> format_time(datetime(2026, 5, 1, 12, 30))
    '2026-05-01 12:30:00'
    """
    if time.tzinfo is None:
        return f"{time:%Y-%m-%d %H:%M:%S}"
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def time_of(microseconds: int | None) -> datetime | None:
    """Return a storage's time, in microseconds since 1970, as a datetime in UTC."""
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1e6, tz=UTC)
