"""Names derived from digests, and storages that store bytes under them.

>>> content_path("ab" + "0" * 62)
'sha256/ab/00000000000000000000000000000000000000000000000000000000000000'
>>> digest_of_path("sha256/ab/cd") is None
True
"""

from __future__ import annotations

import re
from typing import Protocol, runtime_checkable

from providers.base import Source, Stored
from providers.interfaces.history import history_key
from providers.layouts.numbered_names import VersionNumbered

FOLDER = "sha256"
"""The folder of those files."""
_PATH = re.compile(r"sha256/([0-9a-f]{2})/([0-9a-f]{62})")


def content_path(sha256: str) -> str:
    """Return the path of the bytes with a digest (hex); the same as in a history."""
    return history_key(sha256)


def digest_of_path(path: str) -> str | None:
    """Return the digest (hex) in a content path; None for other paths."""
    found = _PATH.fullmatch(path)
    return None if found is None else found[1] + found[2]


@runtime_checkable
class ContentAddressed(Protocol):
    """A storage that stores bytes by digest; it accepts content paths as paths, too."""

    def path_of(self, sha256: str) -> str:
        """Return the path of the bytes with a digest (hex)."""
        ...

    def find_digest(self, sha256: str, size: int | None) -> Stored | None:
        """Return the stored file with a digest; None if there is none of this size."""
        ...


def stored_path(storage: Source, path: str, sha256: str | None, etag: str | None = None) -> str:
    """Return the path to read from a storage, given a path and its known digest or etag."""
    if sha256 is not None and isinstance(storage, ContentAddressed):
        return storage.path_of(sha256)
    if isinstance(storage, VersionNumbered):
        return storage.numbered_path(path, etag) or path
    return path
