"""The state of chunked uploads: received and missing bytes, without I/O.

>>> received = (ByteRange(0, 40), ByteRange(60, 80))
>>> one = ChunkedUpload("id", UploadSpec("a", 100), datetime.now(), received)
>>> describe_ranges(one.missing)
'bytes 40-59, 80-99'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalog.errors import ContentConflict, InvalidInput
from gateway.http.range_header import ByteRange

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


@dataclass(frozen=True, slots=True)
class UploadSpec:
    """The specification of an upload: `size` is in bytes, `digests` are `algorithm:hex`."""

    name: str
    size: int
    content_type: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkedUpload:
    """A current upload: its specification, and the received chunks by start."""

    upload_id: str
    about: UploadSpec
    created_at: datetime
    parts: tuple[ByteRange, ...]

    @property
    def missing(self) -> tuple[ByteRange, ...]:
        """Return the missing ranges."""
        found: list[ByteRange] = []
        at = 0
        for part in self.parts:
            if part.start > at:
                found.append(ByteRange(at, part.start))
            at = max(at, part.stop)
        if at < self.about.size:
            found.append(ByteRange(at, self.about.size))
        return tuple(found)

    @property
    def overlapping(self) -> tuple[ByteRange, ...]:
        """Return the ranges received in more than one chunk."""
        found: list[ByteRange] = []
        at = 0
        for part in self.parts:
            if part.start < at:
                found.append(ByteRange(part.start, min(at, part.stop)))
            at = max(at, part.stop)
        return tuple(found)

    def check_complete(self) -> None:
        """Require that every byte was received exactly once.

        Raises:
            ContentConflict: ranges are missing or overlap.
        """
        if self.missing:
            raise ContentConflict(
                f"the upload is incomplete: missing {describe_ranges(self.missing)}"
            )
        if self.overlapping:
            raise ContentConflict(
                f"chunks overlap at {describe_ranges(self.overlapping)}: send each byte once"
            )


def describe_ranges(parts: tuple[ByteRange, ...]) -> str:
    """Return ranges as text.

    >>> describe_ranges((ByteRange(0, 100), ByteRange(200, 201)))
    'bytes 0-99, 200-200'
    """
    shown = [f"{one.start}-{one.stop - 1}" for one in parts[:10]]
    return "bytes " + ", ".join([*shown, *(["…"] if len(parts) > 10 else [])])


def parse_content_range(content_range: str | None, size: int) -> ByteRange:
    """Parse a Content-Range in an upload of `size` bytes.

    >>> parse_content_range("bytes 0-9/100", 100)
    ByteRange(start=0, stop=10)

    Raises:
        InvalidInput: it is invalid or out of range.
    """
    match = _RANGE.fullmatch((content_range or "").strip())
    if match is None:
        raise InvalidInput(
            f"the Content-Range {(content_range or '')[:80]!r} is invalid: expected bytes a-b/total"
        )
    first, last, total = map(int, match.groups())
    if total != size:
        raise InvalidInput(
            f"the Content-Range has a total of {total:,} bytes, but the upload has {size:,}"
        )
    if not first <= last < size:
        raise InvalidInput(f"the range {first}-{last} is outside of the upload of {size:,} bytes")
    return ByteRange(first, last + 1)
