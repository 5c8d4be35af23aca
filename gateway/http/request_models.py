"""Models of requests: bodies and queries without unknown keys, moments, and paging."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from catalog.queries.paging import DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS, PageRequest

_NUMBER = re.compile(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", re.IGNORECASE)


def refuse_bare_number(text: object) -> object:
    """Refuse a bare number, which pydantic would parse as seconds."""
    if isinstance(text, int | float) or (isinstance(text, str) and _NUMBER.fullmatch(text)):
        raise ValueError("expected a time such as 2026-05-01T12:00:00Z")
    return text


def to_utc(moment: datetime) -> datetime:
    """Convert a time to UTC; without a zone it is UTC.

    >>> to_utc(datetime(2026, 5, 1, 12))
    datetime.datetime(2026, 5, 1, 12, 0, tzinfo=datetime.timezone.utc)
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error


Moment = Annotated[datetime, BeforeValidator(refuse_bare_number), AfterValidator(to_utc)]
Cursor = Annotated[str | None, Field(max_length=8192, pattern="^[A-Za-z0-9_=-]*$")]


class StrictModel(BaseModel):
    """A JSON body or a query in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


class Paging(StrictModel):
    """Query parameters of a list."""

    limit: int = Field(
        default=DEFAULT_PAGE_ROWS, ge=1, le=MAX_PAGE_ROWS, description="Rows per page."
    )
    cursor: Cursor = Field(default=None, description="`next` of the previous page.")

    def page_request(self) -> PageRequest:
        """Return the requested page."""
        return PageRequest(self.cursor, self.limit)
