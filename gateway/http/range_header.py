"""Parses Range headers (RFC 9110, section 14).

>>> parse_range("bytes=0-99", 1000), parse_range("bytes=-50", 1000)
(ByteRange(start=0, stop=100), ByteRange(start=950, stop=1000))
>>> parse_range("bytes=900-2000", 1000)
ByteRange(start=900, stop=1000)
>>> parse_range("bytes=1000-", 1000), parse_range("bytes=-1-11", 1000)
(<NoRange.UNSATISFIABLE: 416>, <NoRange.UNSATISFIABLE: 416>)
>>> parse_range("lines=1-2", 1000)
<NoRange.WHOLE: 200>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_ONE = re.compile(r"(\d{0,18})-(\d{0,18})")


class NoRange(Enum):
    """The status of a response that is not a part."""

    WHOLE = 200
    UNSATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` up to, but not including, `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Return the number of bytes."""
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        """Return the Content-Range of this part in `size` bytes."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse_range(header: str | None, size: int) -> ByteRange | NoRange:
    """Return the requested part of `size` bytes.

    Several ranges and other units get the whole file, as the RFC allows; an invalid range gets 416,
    as in Pulp, so that the client notices its mistake.
    """
    if header is None:
        return NoRange.WHOLE
    unit, equals, text = header.strip().partition("=")
    if not equals or unit.strip().lower() != "bytes" or "," in text:
        return NoRange.WHOLE
    match = _ONE.fullmatch(text.strip())
    if match is None or match[0] == "-":
        return NoRange.UNSATISFIABLE
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), size if not last else min(int(last) + 1, size)
        if last and int(last) < start:
            return NoRange.UNSATISFIABLE
    return ByteRange(start, stop) if start < stop else NoRange.UNSATISFIABLE
