"""What is wrong at a repository, path by path, measured against one of its versions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """How a path differs from what the version says."""

    MISSING = "missing"
    SIZE = "size"
    """Another size than the version has."""
    CORRUPT = "corrupt"
    """Other bytes than the version has: their sha256 differs."""
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    """The storage's mark (etag or time) is not the one that we left: somebody wrote it anew."""
    UNSEEN = "unseen"
    """The listing could not see it: nothing is known of it, and nothing is mended."""
    NOT_STORED = "not stored"
    """Only catalogued: its bytes lie elsewhere, as they should. It is counted, not named."""
    FOREIGN = "foreign"
    """A file that the version does not have."""


DAMAGE = frozenset({Fault.MISSING, Fault.SIZE, Fault.CORRUPT, Fault.UNREADABLE})
"""What a repair mends; the others are drift, which may be meant."""
UNPROVEN = DAMAGE | {Fault.UNSEEN}
"""What stands against a version: damage, and what nobody could look at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One path that is not as the version says."""

    path: str
    fault: Fault
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        """Return one line."""
        facts = [
            f"{word} {value}"
            for word, value in (("expected", self.expected), ("found", self.found))
            if value is not None
        ]
        return f"{self.path!r} {self.fault.value}" + (f": {', '.join(facts)}" if facts else "")
