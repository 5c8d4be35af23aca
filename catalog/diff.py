"""What lies between two versions of a repository."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from catalog import script


class Change(StrEnum):
    """What became of a path from one version to the other."""

    ADDED = "added"
    REMOVED = "removed"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One path that differs; sizes are in bytes, digests sha256 in hex, None where not known.

    Nothing is known of the old side of what was added, nor of the new side of what was removed.
    """

    path: str
    change: Change
    old_size: int | None
    new_size: int | None
    old_digest: str | None
    new_digest: str | None

    @classmethod
    def of(cls, row: script.Row) -> DiffRow:
        """Take a row of `diff_query`."""
        path, change, *rest = row
        return cls(path, Change(change), *rest)


@dataclass(frozen=True, slots=True)
class DiffCounts:
    """How many paths differ between two versions; falsy where none does."""

    added: int
    replaced: int
    removed: int

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.added or self.replaced or self.removed)


@cache
def changed() -> str:
    """Return the query for what differs between the versions $old and $new, in no order."""
    return f"{script.text('changed')}{script.text('differ')}"


@cache
def diff_query() -> str:
    """Return the query for the rows of a diff, in path order."""
    return (
        "SELECT path, change, old_size, new_size, lower(hex(old_digest)) AS old_digest,"  # noqa: S608  # ours
        f" lower(hex(new_digest)) AS new_digest FROM ({changed()}) ORDER BY path"
    )


@cache
def diff_counts_query() -> str:
    """Return the query for the counts of a diff."""
    return (
        "SELECT count(*) FILTER (change = 'added'), count(*) FILTER (change = 'replaced'),"  # noqa: S608  # ours
        f" count(*) FILTER (change = 'removed') FROM ({changed()})"
    )
