"""What every list takes: where its page begins, and how many rows it has."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from catalog.queries.paging import DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS, PageRequest
from gateway.http.strict_model import Strict

_NUMBER = re.compile(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", re.IGNORECASE)


def written(text: object) -> object:
    """Refuse a bare number, which pydantic would take for seconds."""
    if isinstance(text, int | float) or (isinstance(text, str) and _NUMBER.fullmatch(text)):
        raise ValueError("a moment was expected, as 2026-05-01T12:00:00Z")
    return text


def utc(moment: datetime) -> datetime:
    """Return a moment in UTC, which one without a zone is already.

    >>> utc(datetime(2026, 5, 1, 12))
    datetime.datetime(2026, 5, 1, 12, 0, tzinfo=datetime.timezone.utc)
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no moment of the years 1 to 9999") from error


Moment = Annotated[datetime, BeforeValidator(written), AfterValidator(utc)]
Cursor = Annotated[str | None, Field(max_length=8192, pattern="^[A-Za-z0-9_=-]*$")]


class Paging(Strict):
    """The query of a list."""

    limit: int = Field(
        default=DEFAULT_PAGE_ROWS, ge=1, le=MAX_PAGE_ROWS, description="Rows of one page."
    )
    cursor: Cursor = Field(default=None, description="The `next` of the page before.")

    def asked(self) -> PageRequest:
        """Return which page is meant."""
        return PageRequest(self.cursor, self.limit)
