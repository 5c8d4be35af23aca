"""Shared rules of object store listings.

Keys are names, not paths: `a//b`, `/a` or `./a` can be copied between object stores unchanged,
while file trees refuse them. A key that ends in a slash marks a folder, unless it has content.
"""

from __future__ import annotations

from collections.abc import Callable

from catalog.errors import UnexpectedReply, UnsafePath
from catalog.model.gap import NAME, Gap, Listed
from catalog.model.resource import Resource
from catalog.paths import RESERVED, is_below, name_problem


def check_key(path: str) -> str:
    """Return `path` if it is usable as a key below a prefix; raise `UnsafePath` otherwise."""
    why = name_problem(path)
    if why is None and path.endswith("/"):
        why = "it names a folder"
    if why is None and ".." in path.split("/"):
        why = "it has the segment '..', which some servers resolve"
    if why is None and is_below(RESERVED, path):
        why = f"{RESERVED!r} is reserved"
    if why is not None:
        raise UnsafePath(path, why)
    return path


def describe_key(
    path: str, prefix: str, size: int | None, describe: Callable[[], Resource]
) -> Listed | None:
    """Return the file or gap for the key `path` below the root; None if it is not a file.

    `prefix` is '' if the listing is restricted to it already.
    """
    if not path or is_below(RESERVED, path) or not is_below(prefix, path):
        return None
    if path.endswith("/"):
        why = f"its name ends in a slash like a folder's, but it has {size:,} bytes" if size else ""
        return Gap(path, why, NAME) if why else None
    return describe()


class PaginationGuard:
    """Detects a listing whose pages repeat, which would never end."""

    def __init__(self, where: str) -> None:
        """Guard one listing; `where` names the location in messages."""
        self._where = where
        self._seen: set[str] = set()

    def follow(self, token: str | None) -> str:
        """Return the token of the next page.

        Raises:
            UnexpectedReply: the token is missing although there are more pages, or is repeated.
        """
        if not token:
            raise UnexpectedReply(
                f"{self._where}: a page of the listing says that there are more pages, but has "
                "no token for the next one"
            )
        if token in self._seen:
            raise UnexpectedReply(f"{self._where}: the listing loops: a page's token came twice")
        self._seen.add(token)
        return token
