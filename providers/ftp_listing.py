"""What FTP servers list: MLSD's facts, and the lines of LIST where there is nothing better.

>>> parse_list("-rw-r--r--   1 ftp      ftp          1024 Nov 22 08:00 a  b.txt")
FtpEntry(name='a  b.txt', kind='file', size=1024, modified_us=None)
"""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass

from catalog.errors import UnexpectedReply
from catalog.resource import Resource

_UNIX = re.compile(
    r"([-dlbcps])[-rwxsStT]{9}[.+@]?\s+\d+\s+\S+\s+\S+\s+(\d+)\s+"
    r"[A-Z][a-z]{2}\s+\d{1,2}\s+(?:\d{2}:\d{2}|\d{4}) (.+)\Z",
    re.DOTALL,
)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6}))?\Z")
_KINDS = {"-": "file", "d": "dir", "l": "link"}


@dataclass(frozen=True, slots=True)
class FtpEntry:
    """One line of a listing; `kind` is file, dir, link or other."""

    name: str
    kind: str
    size: int | None = None
    modified_us: int | None = None

    def resource(self, path: str) -> Resource:
        """Describe it; the etag is time and size, which is all that FTP tells."""
        etag = None
        if self.size is not None and self.modified_us is not None:
            etag = f"{self.modified_us:x}-{self.size:x}"
        return Resource(path, size=self.size, etag=etag, modified_us=self.modified_us)


def parse_facts(line: str) -> FtpEntry:
    """Read a line of MLSD or MLST: `type=file;size=3;modify=20261122080000; name`."""
    facts, space, name = line.partition(" ")
    if not space:
        raise UnexpectedReply(f"the server lists {line!r}, which is no MLSD line")
    found = {
        key.lower(): value for key, _, value in (one.partition("=") for one in facts.split(";"))
    }
    kind = found.get("type", "").lower()
    size = found.get("size", "")
    if kind.startswith("os.unix=slink") or kind == "os.unix=symlink":
        kind = "link"
    return FtpEntry(
        name,
        kind if kind in ("file", "dir", "cdir", "pdir", "link") else "other",
        int(size) if size.isdigit() else None,
        parse_time(found.get("modify", "")),
    )


def parse_list(line: str) -> FtpEntry | None:
    """Read a line of a Unix server's LIST; its times have no year and no zone, so are not kept."""
    if line.startswith("total ") or not line.strip():
        return None
    match = _UNIX.match(line)
    if match is None:
        raise UnexpectedReply(f"the server lists {line[:80]!r}, which is no Unix listing")
    kind = _KINDS.get(match[1], "other")
    name = match[3].partition(" -> ")[0] if kind == "link" else match[3]
    return FtpEntry(name, kind, int(match[2]) if kind == "file" else None)


def parse_time(text: str) -> int | None:
    """Read `YYYYMMDDHHMMSS[.ffffff]` (UTC) as microseconds since the epoch."""
    match = _TIME.match(text.strip())
    if match is None:
        return None
    parts = [int(one) for one in match.groups()[:6]]
    year, month, day, hour, minute, second = parts
    seconds = timegm((year, month, day, hour, minute, second))
    return seconds * 1_000_000 + int((match[7] or "").ljust(6, "0"))
