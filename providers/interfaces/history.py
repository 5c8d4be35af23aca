"""How a storage keeps the current file at a path before it is overwritten or removed.

Kept files are in `.entrepot/history` below the storage's root, which is hidden from listings,
refused as a name from outside, and read as an ordinary storage with that root
(`settings.below(HISTORY)`). A kept file is named by its digest, or if that is unknown, by the run
that kept it and its path.

>>> history_key("ab" + "0" * 62)[:15]
'sha256/ab/00000'
"""

from __future__ import annotations

from enum import Enum
from hashlib import md5
from typing import Protocol, runtime_checkable

from catalog.model.resource import Resource
from catalog.paths import RESERVED

HISTORY = f"{RESERVED}/history"
"""The folder below a storage's root for replaced and removed files."""


class KeepResult(Enum):
    """The result of keeping a file."""

    KEPT = "kept"
    """The complete file is in the history."""
    GONE = "gone"
    """There is no file at the path that could be lost."""
    UNABLE = "unable"
    """The storage cannot keep this file by itself: its bytes have to be transferred."""


@runtime_checkable
class SupportsHistory(Protocol):
    """A storage that can keep a file server-side."""

    @property
    def keeps_at_commit(self) -> bool:
        """Return whether a file must be kept only right before its replacement is committed.

        This is so where keeping moves the file away, or makes it share its bytes with the history.
        """
        ...

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Copy or move the file `current` to `key` in the history; may be repeated."""
        ...


@runtime_checkable
class SupportsFlush(Protocol):
    """A writer that can finish the upload of its bytes before the commit."""

    def flush(self) -> None:
        """Wait until every byte has been stored, so that only the final rename is left."""
        ...


def history_key(sha256: str) -> str:
    """Return the history key of the bytes with this digest (hex)."""
    return f"sha256/{sha256[:2]}/{sha256[2:]}"


def unknown_history_key(run_id: str, path: str) -> str:
    """Return the history key of a file of unknown digest that a run found at `path`."""
    return f"foreign/{run_id}/{md5(path.encode(), usedforsecurity=False).hexdigest()}"
