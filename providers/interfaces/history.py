"""How a storage keeps the file that stands at a path, before that is overwritten or removed.

What is kept lies in the storage's history, `.entrepot/history` below its root: hidden from every
listing, refused as a name from outside, and read as an ordinary storage rooted there
(`settings.below(HISTORY)`). A kept file is named by its digest; where nobody knows that, by the
run that kept it and the path where it stood.

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
"""The folder below a storage's root that holds what was replaced or removed."""


class KeepResult(Enum):
    """What became of the wish to keep a file."""

    KEPT = "kept"
    """It lies in the history, whole."""
    GONE = "gone"
    """Nothing stands at the path that could be lost."""
    UNABLE = "unable"
    """This file cannot be kept inside the storage: its bytes have to come here."""


@runtime_checkable
class SupportsHistory(Protocol):
    """A storage that can keep a file without sending its bytes here."""

    @property
    def keeps_at_commit(self) -> bool:
        """Say whether to keep a file only at the moment before its successor appears.

        So it is where the file moves away, or shares its bytes with the history until then.
        """
        ...

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Bring the file `current` to `key` of the history; to do so again is fine."""
        ...


@runtime_checkable
class SupportsFlush(Protocol):
    """A writer that can make sure of its bytes before anything else is touched."""

    def flush(self) -> None:
        """Wait until every byte has arrived: only the final name is left to be given."""
        ...


def history_key(sha256: str) -> str:
    """Return the name in the history of the bytes with this digest, in hex."""
    return f"sha256/{sha256[:2]}/{sha256[2:]}"


def unknown_history_key(run_id: str, path: str) -> str:
    """Return the name in the history of what a run found at `path` and nobody knows."""
    return f"foreign/{run_id}/{md5(path.encode(), usedforsecurity=False).hexdigest()}"
