"""The result of `replicate`: one row per repository."""

from __future__ import annotations

import html
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.formats.quantities import format_bytes
from flows.results.table import html_table, text_table

MAX_NAMED = 20  # failures in a message
_COLUMNS = ("repository", "outcome", "version", "files", "bytes")


@dataclass(frozen=True, slots=True)
class Replica:
    """The copy of one repository."""

    name: str
    address: str
    changed: bool = False
    version: int = 0
    files: int = 0
    bytes: int = 0  # written
    emptied: bool = False
    error: str = ""

    @property
    def outcome(self) -> str:
        """Return the outcome in one word."""
        if self.error:
            return "failed"
        if self.emptied:
            return "emptied"
        return "updated" if self.changed else "unchanged"


@dataclass(frozen=True, slots=True)
class ReplicateResult:
    """All copies; true if none failed."""

    upstream: str
    place: str  # label
    replicas: tuple[Replica, ...]

    def __bool__(self) -> bool:
        """Return whether none failed."""
        return not any(replica.error for replica in self.replicas)

    def summary(self) -> str:
        """Return one sentence."""
        outcomes = [replica.outcome for replica in self.replicas]
        counts = [
            f"{outcomes.count(word):,} {word}"
            for word in ("updated", "unchanged", "emptied", "failed")
            if word in outcomes
        ]
        written = format_bytes(sum(replica.bytes for replica in self.replicas))
        return f"{len(self.replicas):,} repositories: {', '.join(counts)}, {written} written"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping per repository."""
        return [
            {
                "repository": replica.name,
                "outcome": replica.outcome,
                "version": str(replica.version),
                "files": f"{replica.files:,}",
                "bytes": format_bytes(replica.bytes),
            }
            for replica in self.replicas
        ]

    def __str__(self) -> str:
        """Return the table as text."""
        lines = [f"{self.upstream} to {self.place}: {self.summary()}"]
        lines += text_table(_COLUMNS, self.rows(), ("outcome",))
        failed = [replica for replica in self.replicas if replica.error]
        lines += [f"  {replica.name}: {replica.error}" for replica in failed[:MAX_NAMED]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the table, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        heading = f"<p>{html.escape(self.place)}: {html.escape(self.summary())}</p>"
        return heading + html_table(_COLUMNS, self.rows())


class ReplicateFailed(CatalogError):
    """Some repositories could not be replicated; `result` has the details."""

    def __init__(self, result: ReplicateResult) -> None:
        """List them."""
        super().__init__(str(result))
        self.result = result
