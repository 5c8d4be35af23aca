"""The result of `repair_all`: one row per repository."""

from __future__ import annotations

import html
from dataclasses import dataclass

from catalog.errors import CatalogError
from flows.results.table import html_table, text_table

MAX_NAMED = 20  # repositories, and files of each, in a message
_COLUMNS = ("repository", "outcome", "examined", "damaged", "repaired", "unrepairable")


@dataclass(frozen=True, slots=True)
class RepairedRepository:
    """The result of repairing one repository, in numbers of files."""

    name: str
    address: str
    examined: int = 0
    damaged: int = 0
    repaired: int = 0
    unrepairable: tuple[str, ...] = ()  # paths
    skipped: str = ""  # why it was not examined
    error: str = ""

    @property
    def outcome(self) -> str:
        """Return the outcome in one word."""
        if self.error:
            return "failed"
        if self.skipped:
            return "skipped"
        if self.unrepairable:
            return "damaged"
        return "repaired" if self.repaired else "healthy"

    @property
    def remark(self) -> str:
        """Return what the table does not show; empty if there is nothing more."""
        if self.unrepairable:
            lost = ", ".join(map(repr, self.unrepairable[:MAX_NAMED]))
            more = len(self.unrepairable) - MAX_NAMED
            return f"lost: {lost}" + (f" and {more:,} more" if more > 0 else "")
        return self.error or self.skipped


@dataclass(frozen=True, slots=True)
class RepairAllResult:
    """The results of all repositories; true if every examined repository is healthy now."""

    repositories: tuple[RepairedRepository, ...]

    def __bool__(self) -> bool:
        """Return whether no damage is left and every repository could be examined."""
        return not self.failed

    @property
    def failed(self) -> tuple[RepairedRepository, ...]:
        """Return the repositories that are still damaged or could not be repaired."""
        return tuple(row for row in self.repositories if row.error or row.unrepairable)

    def summary(self) -> str:
        """Return one sentence."""
        outcomes = [row.outcome for row in self.repositories]
        counts = ", ".join(
            f"{outcomes.count(word):,} {word}"
            for word in ("healthy", "repaired", "damaged", "failed", "skipped")
            if word in outcomes
        )
        return f"{len(self.repositories):,} repositories: {counts}"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping per repository."""
        return [
            {
                "repository": row.name,
                "outcome": row.outcome,
                "examined": f"{row.examined:,}",
                "damaged": f"{row.damaged:,}",
                "repaired": f"{row.repaired:,}",
                "unrepairable": f"{len(row.unrepairable):,}",
            }
            for row in self.repositories
        ]

    def __str__(self) -> str:
        """Return the table as text, followed by failures and skipped repositories."""
        lines = [self.summary(), *text_table(_COLUMNS, self.rows(), ("outcome",))]
        skipped = [row for row in self.repositories if row.skipped]
        named = (*self.failed[:MAX_NAMED], *skipped[:MAX_NAMED])
        return "\n".join(lines + [f"  {row.name}: {row.remark}" for row in named])

    def __repr__(self) -> str:
        """Return the table, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        return f"<p>{html.escape(self.summary())}</p>" + html_table(_COLUMNS, self.rows())


class RepairAllFailed(CatalogError):
    """Some repositories are still damaged or could not be repaired; `result` has the details."""

    def __init__(self, result: RepairAllResult) -> None:
        """Name them."""
        named = ", ".join(repr(row.name) for row in result.failed[:MAX_NAMED])
        super().__init__(f"not repaired: {named}; {result}")
        self.result = result
