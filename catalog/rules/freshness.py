"""Freshness objectives: which files a repository should have received by now.

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 3, 3, 6, tzinfo=UTC)
>>> pattern_at("daily/%Y-%m-%d.csv", now)
'daily/2026-03-03.csv'
>>> Objective("*.csv", within_s=3600.0).shortfall(Arrivals(0, 0, None), now)
"no file matching '*.csv' arrived within 1 h; none ever did"
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
    """The matching files of the latest version, or those of them that arrived lately."""

    files: int
    bytes: int
    newest: datetime | None  # of all that ever arrived


@dataclass(frozen=True, slots=True)
class Objective:
    """At least so many files and bytes that match `pattern` must exist, or arrive in `within_s`.

    In `pattern`, a glob, codes such as %Y, %m, %d and %H are replaced by the time of the check.
    """

    pattern: str = "**"
    within_s: float | None = None
    files: int = 1
    bytes: int = 0

    def shortfall(self, found: Arrivals, now: datetime) -> str | None:
        """Return what is missing, or None if the objective is met."""
        if found.files >= self.files and found.bytes >= self.bytes:
            return None
        matching = f"matching {pattern_at(self.pattern, now)!r}"
        arrived = f"arrived within {format_duration(self.within_s or 0)}"
        if found.files == 0:
            last = (
                "none ever did"
                if found.newest is None
                else f"the last one {_format_time(found.newest)}"
            )
            if self.within_s is None:
                return f"no file {matching} exists"
            return f"no file {matching} {arrived}; {last}"
        wanted = f"{self.files:,} files" + (f" and {self.bytes:,} bytes" if self.bytes else "")
        verb = "exist" if self.within_s is None else arrived
        return (
            f"expected {wanted} {matching}, {found.files:,} files with {found.bytes:,} bytes {verb}"
        )


def pattern_at(pattern: str, now: datetime) -> str:
    """Return a glob with the codes replaced for a moment; a literal % is written %%.

    Raises:
        InvalidInput: a code is not one of %Y %y %m %d %H %j %G %V %u.
    """
    for code in _CODE.findall(pattern):
        if code not in _CODES:
            known = " ".join(sorted(_CODES))
            raise InvalidInput(f"{code!r} in the pattern {pattern!r} is unknown: expected {known}")
    return now.astimezone(UTC).strftime(pattern) if "%" in pattern else pattern


def _format_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
