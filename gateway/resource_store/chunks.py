"""What an upload in chunks is about, what came of it, what is missing: decisions alone, no I/O.

>>> one = ChunkedUpload("id", UploadSpec("a", 100), datetime.now(), (Part(0, 40), Part(60, 80)))
>>> describe_ranges(one.missing)
'bytes 40-59, 80-99'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalog.errors import ContentConflict, InvalidInput
from gateway.http.ranges import Part

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


@dataclass(frozen=True, slots=True)
class UploadSpec:
    """What an upload will be: `size` is in bytes, `digests` are `algorithm:hex`."""

    name: str
    size: int
    content_type: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkedUpload:
    """An upload under way: what it is about, and the chunks that came, by where they begin."""

    upload_id: str
    about: UploadSpec
    created_at: datetime
    parts: tuple[Part, ...]

    @property
    def missing(self) -> tuple[Part, ...]:
        """Return the bytes that did not come yet."""
        found: list[Part] = []
        at = 0
        for part in self.parts:
            if part.start > at:
                found.append(Part(at, part.start))
            at = max(at, part.stop)
        if at < self.about.size:
            found.append(Part(at, self.about.size))
        return tuple(found)

    @property
    def overlapping(self) -> tuple[Part, ...]:
        """Return the bytes that came in more than one chunk."""
        found: list[Part] = []
        at = 0
        for part in self.parts:
            if part.start < at:
                found.append(Part(part.start, min(at, part.stop)))
            at = max(at, part.stop)
        return tuple(found)

    def check_complete(self) -> None:
        """Refuse to go on unless every byte came exactly once.

        Raises:
            ContentConflict: it names the bytes.
        """
        if self.missing:
            raise ContentConflict(f"the upload lacks {describe_ranges(self.missing)}")
        if self.overlapping:
            raise ContentConflict(
                f"chunks overlap at {describe_ranges(self.overlapping)}: each may come once"
            )


def describe_ranges(parts: tuple[Part, ...]) -> str:
    """Return parts in words.

    >>> describe_ranges((Part(0, 100), Part(200, 201)))
    'bytes 0-99, 200-200'
    """
    shown = [f"{one.start}-{one.stop - 1}" for one in parts[:10]]
    return "bytes " + ", ".join([*shown, *(["…"] if len(parts) > 10 else [])])


def parse_content_range(content_range: str | None, size: int) -> Part:
    """Return the part of `size` bytes that a Content-Range names.

    >>> parse_content_range("bytes 0-9/100", 100)
    Part(start=0, stop=10)

    Raises:
        InvalidInput: it names none, or one that does not lie in there.
    """
    match = _RANGE.fullmatch((content_range or "").strip())
    if match is None:
        raise InvalidInput(
            f"the Content-Range {(content_range or '')[:80]!r} is not of the form bytes a-b/total"
        )
    first, last, total = map(int, match.groups())
    if total != size:
        raise InvalidInput(f"the Content-Range tells of {total} bytes, the upload has {size}")
    if not first <= last < size:
        raise InvalidInput(f"the bytes {first}-{last} do not lie within an upload of {size}")
    return Part(first, last + 1)
