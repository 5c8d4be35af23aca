"""Names of a path plus a version number, and storages that store each version under one.

>>> number_key("my/resource.txt", "2"), number_key("b.txt", "0")
('my/2/resource.txt', '0/b.txt')
>>> [split_numbered_path(one) for one in ("my/2/resource.txt", "2024/01/0/file", "0/b.txt")]
[('my/resource.txt', '2'), ('2024/01/file', '0'), ('b.txt', '0')]
>>> split_numbered_path("2024/01/file") is None, split_numbered_path("b.txt") is None
(True, True)
"""

from __future__ import annotations

import re
from typing import Protocol, runtime_checkable

from catalog.paths import RESERVED
from providers.base import Stored

NUMBERS = f"{RESERVED}/numbers"
"""A virtual folder whose paths name numbered files directly."""
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


def is_number(text: str | None) -> bool:
    """Return whether an etag or a folder's name is a version number."""
    return text is not None and _NUMBER.fullmatch(text) is not None


def number_key(path: str, number: str) -> str:
    """Return the stored path of a version of `path`."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{number}/{name}"


def split_numbered_path(key: str) -> tuple[str, str] | None:
    """Return path and number of a stored name; None if it has no number."""
    above, slash, name = key.rpartition("/")
    folder, parting, number = above.rpartition("/")
    return (f"{folder}{parting}{name}", number) if slash and is_number(number) else None


@runtime_checkable
class VersionNumbered(Protocol):
    """A storage that stores each version of a path under its number, which is its etag."""

    def numbered_path(self, path: str, etag: str | None) -> str | None:
        """Return the name to read one version of a path by; None if `etag` is not a number."""
        ...

    def find_version(self, path: str, etag: str, size: int | None) -> Stored | None:
        """Return the stored version of a path; None if there is none of this size."""
        ...
