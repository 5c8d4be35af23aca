"""What `replicate` returns: one row a repository."""

from __future__ import annotations

import html
from dataclasses import dataclass

from catalog.errors import CatalogError
from flows.results.sync import human
from flows.results.table import html_table, text_table

SHOWN = 20  # failures that a message names
_COLUMNS = ("repository", "outcome", "version", "files", "bytes")


@dataclass(frozen=True, slots=True)
class Replica:
    """What became of the copy of one repository."""

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
        """Return one word or two."""
        if self.error:
            return "failed"
        if self.emptied:
            return "emptied"
        return "brought up to date" if self.changed else "unchanged"


@dataclass(frozen=True, slots=True)
class ReplicateResult:
    """What became of every copy; true when none failed."""

    upstream: str
    place: str  # label
    replicas: tuple[Replica, ...]

    def __bool__(self) -> bool:
        """Say whether all went well."""
        return not any(one.error for one in self.replicas)

    def summary(self) -> str:
        """Return one sentence."""
        outcomes = [one.outcome for one in self.replicas]
        told = [
            f"{outcomes.count(word)} {word}"
            for word in ("brought up to date", "unchanged", "emptied", "failed")
            if word in outcomes
        ]
        written = human(sum(one.bytes for one in self.replicas))
        return f"{len(self.replicas)} repositories: {', '.join(told)}, {written} written"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping a repository."""
        return [
            {
                "repository": one.name,
                "outcome": one.outcome,
                "version": str(one.version),
                "files": str(one.files),
                "bytes": human(one.bytes),
            }
            for one in self.replicas
        ]

    def __str__(self) -> str:
        """Return the table as text."""
        lines = [f"{self.upstream} to {self.place}: {self.summary()}"]
        lines += text_table(_COLUMNS, self.rows(), ("outcome",))
        failed = [one for one in self.replicas if one.error]
        return "\n".join(lines + [f"  {one.name}: {one.error}" for one in failed[:SHOWN]])

    def __repr__(self) -> str:
        """Return the table, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        told = f"<p>{html.escape(self.place)}: {html.escape(self.summary())}</p>"
        return told + html_table(_COLUMNS, self.rows())


class ReplicateFailed(CatalogError):
    """Some repositories could not be replicated; `result` tells everything."""

    def __init__(self, result: ReplicateResult) -> None:
        """Name them."""
        super().__init__(str(result))
        self.result = result
