"""Pagination: which page is requested, its rows, and the cursor of the next one.

>>> page = catalog.versions.content_page("s3://bucket", 7)                    # doctest: +SKIP
>>> page.rows[0].path, page.next_cursor                                     # doctest: +SKIP
('models/a.bin', 'WyJtb2RlbHMvei5iaW4iXQ')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from catalog.errors import InvalidInput
from catalog.queries.cursors import decode_cursor, encode_cursor

T = TypeVar("T")
DEFAULT_PAGE_ROWS = 1000
MAX_PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of the following rows; None on the last page."""

    rows: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Requests the page after a cursor, with at most `count` rows."""

    cursor: str | None = None
    count: int = DEFAULT_PAGE_ROWS

    def cursor_keys(self, *kinds: type[str | int]) -> tuple[str | int | None, ...]:
        """Return the keys of the row before the page; None for each on the first page."""
        if not 1 <= self.count <= MAX_PAGE_ROWS:
            raise InvalidInput(f"a page can have 1 to {MAX_PAGE_ROWS:,} rows, found {self.count:,}")
        return (None,) * len(kinds) if self.cursor is None else decode_cursor(self.cursor, *kinds)


FIRST_PAGE = PageRequest()


@dataclass(frozen=True, slots=True)
class ContentFilter:
    """Selects paths of a version by prefix and glob."""

    prefix: str = ""
    glob: str = ""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Selects runs."""

    state: str | None = None
    kind: str | None = None
    flow_run_id: str | None = None
    within: tuple[str, ...] | None = None  # addresses: only runs that involve no others


EVERY_PATH, EVERY_RUN = ContentFilter(), RunFilter()


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One failure case of a contract in a run; `of` is the number of cases in its file."""

    contract: str
    then: str
    path: str
    row: int | None
    column: str | None
    check: str
    value: str | None
    of: int


def make_page(rows: Sequence[tuple[T, tuple[str | int, ...]]], request: PageRequest) -> Page[T]:
    """Return a page of rows with their keys; an extra row means that more follow."""
    shown = rows[: request.count]
    more = len(rows) > request.count
    return Page(tuple(row for row, _ in shown), encode_cursor(*shown[-1][1]) if more else None)
