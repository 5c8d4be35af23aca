"""Names made of digests, and storages that hold bytes under them.

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
"""The folder that holds them."""
_PATH = re.compile(r"sha256/([0-9a-f]{2})/([0-9a-f]{62})")


def content_path(sha256: str) -> str:
    """Return where the bytes of a digest (hex) lie in this layout, as in every history."""
    return history_key(sha256)


def digest_of_path(path: str) -> str | None:
    """Return the digest in hex that a path names; None where it is no such path."""
    found = _PATH.fullmatch(path)
    return None if found is None else found[1] + found[2]


@runtime_checkable
class ContentAddressed(Protocol):
    """A storage that holds bytes under their digests; it takes such a name as a path, too."""

    def path_of(self, sha256: str) -> str:
        """Return the path of the bytes with a digest in hex."""
        ...

    def find_digest(self, sha256: str, size: int | None) -> Stored | None:
        """Return what it holds of a digest already; None where nothing, or of another size."""
        ...


def stored_path(storage: Source, path: str, sha256: str | None, etag: str | None = None) -> str:
    """Return what to read in a storage for a path whose digest, or own etag there, is known."""
    if sha256 is not None and isinstance(storage, ContentAddressed):
        return storage.path_of(sha256)
    if isinstance(storage, VersionNumbered):
        return storage.numbered_path(path, etag) or path
    return path
