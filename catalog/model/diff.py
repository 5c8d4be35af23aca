"""The difference between two versions of a repository."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Change(StrEnum):
    """How a path changed from one version to the other."""

    ADDED = "added"
    REMOVED = "removed"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One path that differs; sizes are in bytes, digests sha256 in hex, None if unknown.

    An added path has no old side, a removed one no new side.
    """

    path: str
    change: Change
    old_size: int | None
    new_size: int | None
    old_digest: str | None
    new_digest: str | None

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> DiffRow:
        """Convert a row of `catalog.store.diff_queries.diff_query`."""
        path, change, *rest = row
        return cls(path, Change(change), *rest)


@dataclass(frozen=True, slots=True)
class DiffCounts:
    """How many paths differ between two versions; falsy if none does."""

    added: int
    replaced: int
    removed: int

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.added or self.replaced or self.removed)
