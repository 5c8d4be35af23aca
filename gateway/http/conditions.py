"""Evaluates conditional requests (RFC 9110, section 13), without I/O.

>>> matches('W/"a", "b"', '"b"'), matches("*", '"b"'), matches('"a"', '"b"')
(True, True, False)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum

_TAG = re.compile(r'(?:W/)?"[^"]*"')


class ConditionResult(Enum):
    """The result of a conditional request."""

    SEND = 200
    NOT_MODIFIED = 304
    FAILED = 412


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators of a file's current state."""

    etag: str | None  # quoted; strong unless it starts with W/
    modified_us: int | None = None

    @property
    def last_modified(self) -> str | None:
        """Return the Last-Modified header."""
        if self.modified_us is None:
            return None
        try:
            moment = datetime.fromtimestamp(self.modified_us // 1_000_000, tz=UTC)
            return format_datetime(moment, usegmt=True)
        except (ValueError, OverflowError, OSError):
            return None


def evaluate(headers: Mapping[str, str], now: Validators) -> ConditionResult:
    """Evaluate the conditions of a request for a file, in the RFC's order."""
    match, none = headers.get("if-match"), headers.get("if-none-match")
    if match is not None:
        if now.etag is None or not _any_strong(match, now.etag):
            return ConditionResult.FAILED
    elif _modified_since(now, headers.get("if-unmodified-since")):
        return ConditionResult.FAILED
    if none is not None:
        held = now.etag is not None and matches(none, now.etag)
        return ConditionResult.NOT_MODIFIED if held else ConditionResult.SEND
    since = headers.get("if-modified-since")
    if since is not None and now.modified_us is not None and _modified_since(now, since) is False:
        return ConditionResult.NOT_MODIFIED
    return ConditionResult.SEND


def is_write_allowed(headers: Mapping[str, str], etag: str | None) -> bool:
    """Return whether a write is allowed given the current etag; None if nothing exists.

    >>> [is_write_allowed({"if-none-match": "*"}, etag) for etag in (None, '"a"')]
    [True, False]
    >>> is_write_allowed({"if-match": '"a"'}, '"a"'), is_write_allowed({"if-match": "*"}, None)
    (True, False)
    """
    match, none = headers.get("if-match"), headers.get("if-none-match")
    if match is not None and (etag is None or not _any_strong(match, etag)):
        return False
    return none is None or etag is None or not matches(none, etag)


def is_range_valid(header: str | None, now: Validators) -> bool:
    """Return whether a Range applies: its If-Range must match the current state."""
    if header is None:
        return True
    if header.lstrip().startswith(('"', "W/")):  # one tag, never a list (RFC 9110, 13.1.5)
        return now.etag is not None and header.strip() == now.etag and now.etag[:1] == '"'
    return now.last_modified is not None and header.strip() == now.last_modified


def matches(header: str, etag: str) -> bool:
    """Return whether a list of tags contains an etag, by weak comparison."""
    if header.strip() == "*":
        return True
    return etag.removeprefix("W/") in {one.removeprefix("W/") for one in _TAG.findall(header)}


def _any_strong(header: str, etag: str) -> bool:
    if header.strip() == "*":
        return True
    return not etag.startswith("W/") and etag in _TAG.findall(header)


def _modified_since(now: Validators, header: str | None) -> bool | None:
    """Return whether the file was modified after a date; None if unknown."""
    if header is None or now.modified_us is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return now.modified_us // 1_000_000 > int(moment.timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None  # an invalid date is ignored (RFC 9110, 13.1.3)
