"""The name under which a browser saves a reply."""

from __future__ import annotations

from urllib.parse import quote


def disposition(name: str) -> str:
    """Return the Content-Disposition under which a resource is saved: its last part.

    >>> disposition("a/b.txt")
    'attachment; filename="b.txt"'
    """
    last = name.rpartition("/")[2]
    plain = "".join(one if one.isascii() and one not in '"\\' else "_" for one in last)
    header = f'attachment; filename="{plain}"'
    return header if plain == last else f"{header}; filename*=UTF-8''{quote(last, safe='')}"
