"""Names of resources: safe in every storage, in a URL and in a header, whoever gives them."""

from __future__ import annotations

import unicodedata

from catalog.errors import NameNotAllowed
from catalog.paths import check_path

MAX_NAME = 1024  # bytes, of the whole name
MAX_SEGMENT = 255  # bytes, between two slashes
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
"""Names that Windows gives to devices, with whatever ending."""
_WHERE = "the gateway"


def checked_name(text: str) -> str:
    """Return the name of a resource, without a slash before it.

    >>> checked_name("/my/resource.txt")
    'my/resource.txt'

    Raises:
        InvalidInput: it could leave its folder, or is not safe everywhere; the rule is named.
    """
    name = check_path(text.removeprefix("/"))
    if len(name.encode()) > MAX_NAME:
        raise NameNotAllowed(name[:80], _WHERE, f"it is longer than {MAX_NAME} bytes")
    if any(unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Cs") for one in name):
        raise NameNotAllowed(name, _WHERE, "it holds a control character")
    if "\ufffd" in name:  # what servers put where bytes are no text
        raise NameNotAllowed(name, _WHERE, "it is not valid UTF-8")
    if "\\" in name:
        raise NameNotAllowed(name, _WHERE, "it holds a backslash")
    for part in name.split("/"):
        if len(part.encode()) > MAX_SEGMENT:
            raise NameNotAllowed(name[:80], _WHERE, f"a part is longer than {MAX_SEGMENT} bytes")
        if part != part.strip() or part.endswith("."):
            raise NameNotAllowed(name, _WHERE, f"{part!r} begins or ends with a space or a dot")
        if part.partition(".")[0].lower() in RESERVED:
            raise NameNotAllowed(name, _WHERE, f"{part!r} is reserved")
    return name
