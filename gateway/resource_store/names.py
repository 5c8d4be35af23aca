"""Names of resources, which must be safe in every storage, URL and header."""

from __future__ import annotations

import unicodedata

from catalog.errors import NameNotAllowed
from catalog.paths import check_path

MAX_NAME = 1024  # bytes
MAX_SEGMENT = 255  # bytes
RESERVED = frozenset(
    (
        "con",
        "prn",
        "aux",
        "nul",
        *(f"com{n}" for n in range(1, 10)),
        *(f"lpt{n}" for n in range(1, 10)),
    )
)
"""Device names in Windows, with any extension."""
_WHERE = "the gateway"


def checked_name(text: str) -> str:
    """Check the name of a resource, and return it without a leading slash.

    >>> checked_name("/my/resource.txt")
    'my/resource.txt'

    Raises:
        InvalidInput: it could lead out of its folder, or is not safe everywhere.
    """
    name = check_path(text.removeprefix("/"))
    if len(name.encode()) > MAX_NAME:
        raise NameNotAllowed(name[:80], _WHERE, f"it is longer than {MAX_NAME:,} bytes")
    if any(unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Cs") for one in name):
        raise NameNotAllowed(name, _WHERE, "it contains a control character")
    if "\ufffd" in name:  # servers replace invalid UTF-8 with it
        raise NameNotAllowed(name, _WHERE, "it is not valid UTF-8")
    if "\\" in name:
        raise NameNotAllowed(name, _WHERE, "it contains a backslash")
    for part in name.split("/"):
        if len(part.encode()) > MAX_SEGMENT:
            raise NameNotAllowed(name[:80], _WHERE, f"a segment is longer than {MAX_SEGMENT} bytes")
        if part != part.strip() or part.endswith("."):
            raise NameNotAllowed(
                name, _WHERE, f"{part!r} starts or ends with a space, or ends with a dot"
            )
        if part.partition(".")[0].lower() in RESERVED:
            raise NameNotAllowed(name, _WHERE, f"{part!r} is reserved")
    return name
