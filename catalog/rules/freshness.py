"""What a repository should have received by now, and whether it has.

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 3, 3, 6, tzinfo=UTC)
>>> pattern_at("daily/%Y-%m-%d.csv", now)
'daily/2026-03-03.csv'
>>> Objective("*.csv", within_s=3600.0).shortfall(Arrivals(0, 0, None), now)
"no file like '*.csv' came within 1 h; none ever did"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.errors import InvalidInput
from catalog.formats.quantities import format_duration

_CODES = {"%Y", "%y", "%m", "%d", "%H", "%j", "%G", "%V", "%u", "%%"}
_CODE = re.compile("%.?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What matches in the latest version, or of that what came lately: files, bytes, the newest."""

    files: int
    bytes: int
    newest: datetime | None  # that ever came


@dataclass(frozen=True, slots=True)
class Objective:
    """So many files, and bytes, that match `pattern` came within `within_s`, or are there at all.

    In `pattern`, a glob, codes such as %Y, %m, %d and %H stand for the moment at which one looks.
    """

    pattern: str = "**"
    within_s: float | None = None
    files: int = 1
    bytes: int = 0

    def shortfall(self, found: Arrivals, now: datetime) -> str | None:
        """Return what is missing, or None where all came."""
        if found.files >= self.files and found.bytes >= self.bytes:
            return None
        like = f"like {pattern_at(self.pattern, now)!r}"
        came = (
            "is there" if self.within_s is None else f"came within {format_duration(self.within_s)}"
        )
        if found.files == 0:
            last = (
                "none ever did"
                if found.newest is None
                else f"the last one {_format_time(found.newest)}"
            )
            return f"no file {like} {came}" + ("" if self.within_s is None else f"; {last}")
        wanted = f"{self.files} files" + (f" and {self.bytes} bytes" if self.bytes else "")
        plural = came.replace("is there", "are there")
        return f"of {wanted} {like}, {found.files} with {found.bytes} bytes {plural}"


def pattern_at(pattern: str, now: datetime) -> str:
    """Return a glob with the codes of a moment filled in; a lone % is written %%.

    Raises:
        InvalidInput: a code is none of %Y %y %m %d %H %j %G %V %u.
    """
    for code in _CODE.findall(pattern):
        if code not in _CODES:
            known = " ".join(sorted(_CODES))
            raise InvalidInput(f"{code!r} in the pattern {pattern!r} is none of {known}")
    return now.astimezone(UTC).strftime(pattern) if "%" in pattern else pattern


def _format_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
