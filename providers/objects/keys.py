"""What the listings of object stores have in common: keys are names, not paths, and pages end.

A key such as `a//b`, `/a` or `./a` is a name like any other: it moves between object stores as it
is, and a tree refuses it. One that ends in a slash marks a folder, unless it has bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from catalog.errors import UnexpectedReply, UnsafePath
from catalog.model.gap import NAME, Gap, Listed
from catalog.model.resource import Resource
from catalog.paths import RESERVED, below, unusable


def check_key(path: str) -> str:
    """Return `path` if an object below a prefix can bear it; raise `UnsafePath` otherwise."""
    why = unusable(path)
    if why is None and path.endswith("/"):
        why = "it names a folder"
    if why is None and ".." in path.split("/"):
        why = "it has the segment '..', which some servers climb by"
    if why is None and below(RESERVED, path):
        why = f"{RESERVED!r} is reserved"
    if why is not None:
        raise UnsafePath(path, why)
    return path


def describe_key(
    path: str, prefix: str, size: int | None, describe: Callable[[], Resource]
) -> Listed | None:
    """Return what a listing says of the key `path` below the root; None for what is no file.

    `prefix` is '' where all that is listed lies in it already.
    """
    if not path or below(RESERVED, path) or not below(prefix, path):
        return None
    if path.endswith("/"):
        why = f"its name is that of a folder, and it has {size:,} bytes" if size else ""
        return Gap(path, why, NAME) if why else None
    return describe()


class PaginationGuard:
    """Watches the pages of one listing: one that was there before would never end."""

    def __init__(self, where: str) -> None:
        """Watch a listing of the place that is named `where` in messages."""
        self._where = where
        self._seen: set[str] = set()

    def follow(self, token: str | None) -> str:
        """Return the token of the next page.

        Raises:
            UnexpectedReply: there is none, though the page says that more follows, or it was given
                before.
        """
        if not token:
            raise UnexpectedReply(
                f"{self._where}: a page of the listing says that more follows, but not where"
            )
        if token in self._seen:
            raise UnexpectedReply(
                f"{self._where}: the listing goes round in a circle: a page's token came twice"
            )
        self._seen.add(token)
        return token
