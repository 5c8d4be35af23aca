"""Parses FTP listings: MLSD facts, and LIST lines for servers without MLSD.

>>> parse_list("-rw-r--r--   1 ftp      ftp          1024 Nov 22 08:00 a  b.txt")
FtpEntry(name='a  b.txt', kind='file', size=1024, modified_us=None)
>>> parse_list("11-22-26  08:00AM       <DIR>          in box")
FtpEntry(name='in box', kind='dir', size=None, modified_us=None)
"""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from datetime import date

from catalog.errors import UnexpectedReply
from catalog.model.resource import Resource

# Owners and groups may have several words ("domain users"), so match by the date.
_DATE = (
    r"(?:[^\W\d]{2,}\.? +\d{1,2}|\d{1,2}\.? +[^\W\d]{2,}\.?) +(?:\d{1,2}:\d{2}|\d{4})"
    r"|\d{4}-\d{2}-\d{2} +\d{2}:\d{2}"
)
_UNIX = re.compile(
    rf"([-dlbcpsD])[-rwxsStTl]{{9}}\S*\s+(?:\d+\s+)?.*?\s(\d+|\d+,\s*\d+)\s+(?:{_DATE}) (.+)\Z",
    re.DOTALL,
)
_DOS = re.compile(
    r"\d{1,2}-\d{1,2}-\d{2,4}\s+\d{1,2}:\d{2}(?:\s*[AP]M)?\s+(<DIR>|<JUNCTION>|\d+)\s+(.+)\Z",
    re.DOTALL | re.IGNORECASE,
)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6})\d*)?\Z")
_KINDS = {"-": "file", "d": "dir", "l": "link"}
_FACTS = re.compile(r"(?:[^;= ]+=[^;]*;)* ")


@dataclass(frozen=True, slots=True)
class FtpEntry:
    """One line of a listing; `kind` is file, dir, link or other."""

    name: str
    kind: str
    size: int | None = None
    modified_us: int | None = None

    def resource(self, path: str) -> Resource:
        """Return the file's metadata; the etag is time and size, which is all that FTP has."""
        etag = None
        if self.size is not None and self.modified_us is not None:
            etag = f"{self.modified_us:x}-{self.size:x}"
        return Resource(path, size=self.size, etag=etag, modified_us=self.modified_us)


def parse_facts(line: str) -> FtpEntry:
    """Parse a line of MLSD or MLST: `type=file;size=3;modify=20261122080000; name`.

    Raises:
        UnexpectedReply: the line is invalid, or has no type.
    """
    match = _FACTS.match(line)
    name = line[match.end() :] if match else ""
    if match is None or not name:
        raise UnexpectedReply(f"the server lists {line[:200]!r}, which is not a valid MLSD line")
    pairs = (part.partition("=") for part in match[0].rstrip(" ").split(";"))
    found = {key.lower(): value for key, _, value in pairs}
    kind = found.get("type", "").lower()
    if not kind:
        raise UnexpectedReply(f"the server lists {line[:200]!r} without its type")
    size = found.get("size", "")
    if kind.startswith("os.unix=slink") or kind == "os.unix=symlink":
        kind = "link"
    return FtpEntry(
        name,
        kind if kind in ("file", "dir", "cdir", "pdir", "link") else "other",
        int(size) if size.isascii() and size.isdigit() else None,
        parse_time(found.get("modify", "")),
    )


def parse_list(line: str) -> FtpEntry | None:
    """Parse a LIST line in Unix or DOS format; None if it has no entry.

    Its times lack the year or the zone, so they are ignored.

    Raises:
        UnexpectedReply: the format is unknown.
    """
    if re.match(r"total \d+\s*\Z", line) or not line.strip():
        return None
    if (match := _UNIX.match(line)) is not None:
        kind = _KINDS.get(match[1], "other")
        name = match[3].partition(" -> ")[0] if kind == "link" else match[3]
        return FtpEntry(name, kind, int(match[2]) if kind == "file" else None)
    if (match := _DOS.match(line)) is not None:
        size = int(match[1]) if match[1].isdigit() else None
        return FtpEntry(match[2], "dir" if size is None else "file", size)
    raise UnexpectedReply(f"the server lists {line[:200]!r}, which is not a known LIST format")


def parse_time(text: str) -> int | None:
    """Parse `YYYYMMDDHHMMSS[.ffffff]` (UTC) to microseconds since the epoch; None if invalid."""
    match = _TIME.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(one) for one in match.groups()[:6])
    try:
        date(year, month, day)
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    seconds = timegm((year, month, day, hour, minute, second))
    return seconds * 1_000_000 + int((match[7] or "").ljust(6, "0"))
