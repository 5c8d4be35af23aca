"""Findings: how a repository differs from one of its versions, path by path."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """How a path differs from the version."""

    MISSING = "missing"
    SIZE = "size"
    """The size differs from the version's."""
    CORRUPT = "corrupt"
    """The sha256 differs from the version's."""
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    """The etag or time differs from the recorded one: somebody wrote the file again."""
    UNSEEN = "unseen"
    """The listing could not see it: nothing is known, and nothing is repaired."""
    NOT_STORED = "not stored"
    """Only catalogued: its bytes are elsewhere, as intended. It is counted, not named."""
    FOREIGN = "foreign"
    """A file that is not in the version."""


DAMAGE = frozenset({Fault.MISSING, Fault.SIZE, Fault.CORRUPT, Fault.UNREADABLE})
"""What `repair` fixes; the others are drift, which may be intended."""
UNPROVEN = DAMAGE | {Fault.UNSEEN}
"""What keeps a version from being verified: damage, and what could not be checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One path that differs from the version."""

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
