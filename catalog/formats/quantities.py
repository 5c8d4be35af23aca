"""Sizes and durations in the form that people write.

>>> parse_bytes("10 MiB"), parse_bytes("1.5 kB"), parse_duration("2 h"), parse_duration("1 d 12 h")
(10485760, 1500, 7200.0, 129600.0)
"""

from __future__ import annotations

import re

from catalog.errors import InvalidInput

BYTES = {"": 1, "b": 1}
for power, letter in enumerate("kmgtp", start=1):
    BYTES[f"{letter}b"] = 1000**power
    BYTES[f"{letter}ib"] = BYTES[letter] = 1024**power
SECONDS = {
    "": 1.0,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604_800.0),
}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z]*)\s*,?")


def parse_bytes(text: str) -> int:
    """Parse a size: bytes, or a number with a unit (kB, KiB, MB, MiB …; K, M, G are binary)."""
    found = _QUANTITY.fullmatch(text)
    if found is None or found[2].lower() not in BYTES:
        raise InvalidInput(f"cannot read the size {text!r}: expected bytes, or a text like 10 MiB")
    return round(float(found[1]) * BYTES[found[2].lower()]) if found[2] else int(float(found[1]))


def parse_duration(text: str) -> float:
    """Parse a duration: a number of seconds, or numbers with units such as s, min, h, d, w."""
    parts = _QUANTITY.findall(text)
    whole = _QUANTITY.sub("", text).strip()
    units = [unit.lower() for _, unit in parts]
    if not parts or whole or any(unit not in SECONDS for unit in units) or units[1:].count(""):
        raise InvalidInput(
            f"cannot read the duration {text!r}: expected seconds, or a text like 2 h"
        )
    return sum(float(number) * SECONDS[unit.lower()] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """Return seconds in days, hours, minutes and seconds.

    >>> format_duration(86400.0), format_duration(93600.0), format_duration(90.0)
    ('1 d', '1 d 2 h', '1 min 30 s')
    """
    parts: list[str] = []
    for unit in ("d", "h", "min", "s"):
        count, seconds = divmod(seconds, SECONDS[unit])
        if count:
            parts.append(f"{count:.0f} {unit}")
    return " ".join(parts) or "0 s"


def format_bytes(count: int) -> str:
    """Return a number of bytes in B, KiB, MiB, GiB or TiB.

    >>> format_bytes(12), format_bytes(1536), format_bytes(3 * 2**40)
    ('12 B', '1.5 KiB', '3.0 TiB')
    """
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"
