"""Whether a condition of a request holds: pure decisions (RFC 9110, section 13).

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


class Verdict(Enum):
    """What a conditional request is answered with."""

    SEND = 200
    NOT_MODIFIED = 304
    FAILED = 412


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of a file from another."""

    etag: str | None  # quoted; strong unless it begins with W/
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


def decide(headers: Mapping[str, str], now: Validators) -> Verdict:
    """Return whether to send the file, in the order that the RFC gives the conditions."""
    match, none = headers.get("if-match"), headers.get("if-none-match")
    if match is not None:
        if now.etag is None or not _any_strong(match, now.etag):
            return Verdict.FAILED
    elif _newer(now, headers.get("if-unmodified-since")):
        return Verdict.FAILED
    if none is not None:
        held = now.etag is not None and matches(none, now.etag)
        return Verdict.NOT_MODIFIED if held else Verdict.SEND
    since = headers.get("if-modified-since")
    if since is not None and now.modified_us is not None and _newer(now, since) is False:
        return Verdict.NOT_MODIFIED
    return Verdict.SEND


def write_holds(headers: Mapping[str, str], etag: str | None) -> bool:
    """Say whether a change may be made of what has this etag now; None where there is nothing.

    >>> write_holds({"if-none-match": "*"}, None), write_holds({"if-none-match": "*"}, '"a"')
    (True, False)
    >>> write_holds({"if-match": '"a"'}, '"a"'), write_holds({"if-match": "*"}, None)
    (True, False)
    """
    match, none = headers.get("if-match"), headers.get("if-none-match")
    if match is not None and (etag is None or not _any_strong(match, etag)):
        return False
    return none is None or etag is None or not matches(none, etag)


def range_holds(header: str | None, now: Validators) -> bool:
    """Say whether a Range may be followed: its If-Range names exactly this state."""
    if header is None:
        return True
    if header.lstrip().startswith(('"', "W/")):  # one tag, never a list (RFC 9110, 13.1.5)
        return now.etag is not None and header.strip() == now.etag and now.etag[:1] == '"'
    return now.last_modified is not None and header.strip() == now.last_modified


def matches(header: str, etag: str) -> bool:
    """Say whether a list of tags names an etag; weak ones count as their strong ones."""
    if header.strip() == "*":
        return True
    return etag.removeprefix("W/") in {one.removeprefix("W/") for one in _TAG.findall(header)}


def _any_strong(header: str, etag: str) -> bool:
    if header.strip() == "*":
        return True
    return not etag.startswith("W/") and etag in _TAG.findall(header)


def _newer(now: Validators, header: str | None) -> bool | None:
    """Say whether the file was changed after a date; None where that cannot be said."""
    if header is None or now.modified_us is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return now.modified_us // 1_000_000 > int(moment.timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None  # a date that cannot be is none (RFC 9110, 13.1.3)
