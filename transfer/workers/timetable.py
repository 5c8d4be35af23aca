"""Rates that change with the hour and the weekday, in the syntax of rclone's --bwlimit.

>>> day = Timetable.parse("08:00,512k 18:30,10M 23:00,off", sizes=True)
>>> day.at(datetime(2026, 3, 2, 9, 0)), day.at(datetime(2026, 3, 2, 23, 15))
(524288.0, None)
>>> week = Timetable.parse("Mon-08:00,1M Sat-00:00,off", sizes=True)
>>> week.at(datetime(2026, 3, 1, 12, 0)), week.at(datetime(2026, 3, 3, 3, 0))
(None, 1048576.0)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from catalog.errors import InvalidInput
from catalog.formats.quantities import parse_bytes

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  # minutes
EXPECTED_FORM = "08:00,512k 18:30,10M 23:00,off, or with days Mon-08:00,1M Sat-00:00,off"
_ENTRY = re.compile(
    r"(?:(?P<day>[a-z]{3})[a-z]*-)?(?P<hour>\d{1,2}):(?P<minute>\d{2}),(?P<rate>\S+)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The rate from each given minute of the week on, until the next; None for no limit."""

    minutes: tuple[int, ...]  # of the week, from Monday 00:00, ascending
    rates: tuple[float | None, ...]
    zone: ZoneInfo | None = None
    """The time zone; None for the machine's own."""

    @classmethod
    def parse(cls, text: str, *, sizes: bool, zone: str = "") -> Timetable:
        """Parse entries `time,rate`; rates are sizes with a unit, or plain numbers, or `off`.

        Raises:
            InvalidInput: an entry is malformed, a time occurs twice, or the zone is unknown.
        """
        rates: dict[int, float | None] = {}
        for entry in text.split():
            minutes, rate = _parse_entry(entry, sizes=sizes)
            for minute in minutes:
                if minute in rates:
                    raise InvalidInput(f"the timetable {text!r} has {entry!r} twice")
                rates[minute] = rate
        if not rates:
            raise InvalidInput(f"the timetable {text!r} is empty: expected {EXPECTED_FORM}")
        ordered = sorted(rates)
        return cls(tuple(ordered), tuple(rates[minute] for minute in ordered), _parse_zone(zone))

    def at(self, moment: datetime) -> float | None:
        """Return the rate at a moment in the timetable's time zone."""
        minute = moment.weekday() * DAY + moment.hour * 60 + moment.minute
        # Before the first entry of the week, the last one applies.
        return self.rates[bisect_right(self.minutes, minute) - 1]

    def now(self) -> float | None:
        """Return the current rate."""
        return self.at(datetime.now(self.zone))


def _parse_entry(entry: str, *, sizes: bool) -> tuple[tuple[int, ...], float | None]:
    """Parse one entry; without a day it applies to every day."""
    match = _ENTRY.fullmatch(entry)
    day = (match["day"] or "").lower() if match else ""
    if match is None or (day and day not in DAYS):
        raise InvalidInput(f"{entry!r} is not an entry of a timetable: expected {EXPECTED_FORM}")
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour >= 24 or minute >= 60:
        raise InvalidInput(f"{entry!r}: expected a time from 00:00 to 23:59")
    days = (DAYS.index(day),) if day else range(len(DAYS))
    rate = _parse_rate(match["rate"], entry, sizes=sizes)
    return tuple(day * DAY + hour * 60 + minute for day in days), rate


def _parse_rate(text: str, entry: str, *, sizes: bool) -> float | None:
    if text.lower() == "off":
        return None
    plain = text.replace(".", "", 1).isdecimal()
    try:
        rate = float(text) if plain else parse_bytes(text)
    except InvalidInput:
        rate = 0
    if rate <= 0:
        raise InvalidInput(f"{entry!r}: expected a rate above 0, or off, found {text!r}")
    if sizes and plain:
        raise InvalidInput(f"{entry!r}: {text!r} has no unit: write {text}B, {text}k or {text}M")
    if not sizes and not plain:
        raise InvalidInput(f"{entry!r}: requests per second have no unit, found {text!r}")
    return float(rate)


def _parse_zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidInput(
            f"{name!r} is not a time zone: expected a name such as Europe/Berlin or UTC"
        ) from error
