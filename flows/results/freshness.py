"""The result of `freshness`: one row per objective."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime

from catalog.errors import CatalogError
from catalog.formats.quantities import format_bytes
from flows.results.table import html_table, text_table

_COLUMNS = ("repository", "files", "outcome", "arrived", "bytes", "newest")


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """One objective of a repository: what arrived, and what is missing."""

    repository: str
    pattern: str
    files: int
    bytes: int
    newest: datetime | None
    missed: str | None

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.repository}: {self.missed or 'met'}"


@dataclass(frozen=True, slots=True)
class FreshnessResult:
    """Every objective; true if all are met and every repository could be read."""

    objectives: tuple[ObjectiveResult, ...]
    broken: tuple[str, ...] = ()  # unusable stored repositories, each with the reason

    def __bool__(self) -> bool:
        """Return whether all objectives are met."""
        return not self.missed and not self.broken

    @property
    def missed(self) -> tuple[ObjectiveResult, ...]:
        """Return the objectives that are not met."""
        return tuple(objective for objective in self.objectives if objective.missed)

    def summary(self) -> str:
        """Return one sentence."""
        unread = f", {len(self.broken):,} repositories cannot be read" if self.broken else ""
        return f"{len(self.objectives):,} objectives, {len(self.missed):,} missed{unread}"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping per objective."""
        return [
            {
                "repository": objective.repository,
                "files": objective.pattern,
                "outcome": "missed" if objective.missed else "met",
                "arrived": f"{objective.files:,}",
                "bytes": format_bytes(objective.bytes),
                "newest": f"{objective.newest:%Y-%m-%d %H:%M} UTC" if objective.newest else "never",
            }
            for objective in self.objectives
        ]

    def __str__(self) -> str:
        """Return the table as text, followed by what is missing."""
        lines = [self.summary(), *text_table(_COLUMNS, self.rows(), ("repository", "files"))]
        return "\n".join(lines + [f"  {line}" for line in (*self.missed, *self.broken)])

    def __repr__(self) -> str:
        """Return the table, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        missing = "".join(f"<li>{html.escape(str(objective))}</li>" for objective in self.missed)
        table = html_table(_COLUMNS, self.rows())
        return f"<p>{html.escape(self.summary())}</p>{table}<ul>{missing}</ul>"


class FreshnessMissed(CatalogError):
    """Expected files did not arrive; `result` has the details."""

    def __init__(self, result: FreshnessResult) -> None:
        """List what is missing."""
        super().__init__("; ".join(map(str, (*result.missed, *result.broken))))
        self.result = result
