"""Lists a page at a time: which page is meant, what it holds, where the next one begins.

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
DEFAULT_PAGE_ROWS = 1000  # rows of a page, by default  # rows of a page, by default
MAX_PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of those that follow; None where these are the last."""

    rows: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is meant: the one after a cursor, and how many rows it has at most."""

    cursor: str | None = None
    count: int = DEFAULT_PAGE_ROWS

    def cursor_keys(self, *kinds: type[str | int]) -> tuple[str | int | None, ...]:
        """Return the keys of the row before the page; None each where it is the first page."""
        if not 1 <= self.count <= MAX_PAGE_ROWS:
            raise InvalidInput(
                f"a page of {self.count} was asked for; from 1 to {MAX_PAGE_ROWS} are possible"
            )
        return (None,) * len(kinds) if self.cursor is None else decode_cursor(self.cursor, *kinds)


FIRST_PAGE = PageRequest()


@dataclass(frozen=True, slots=True)
class ContentFilter:
    """Which paths of a version are meant: those that begin so and match a glob."""

    prefix: str = ""
    glob: str = ""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are meant."""

    state: str | None = None
    kind: str | None = None
    flow_run_id: str | None = None
    within: tuple[str, ...] | None = None  # addresses: those about nothing else; None: any


EVERY_PATH, EVERY_RUN = ContentFilter(), RunFilter()


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One case in which a file of a run failed a contract; `of` is how many cases the file has."""

    contract: str
    then: str
    path: str
    row: int | None
    column: str | None
    check: str
    value: str | None
    of: int


def make_page(rows: Sequence[tuple[T, tuple[str | int, ...]]], request: PageRequest) -> Page[T]:
    """Return a page of rows, each with its keys; one row more than it has says that more follow."""
    shown = rows[: request.count]
    more = len(rows) > request.count
    return Page(tuple(row for row, _ in shown), encode_cursor(*shown[-1][1]) if more else None)
