"""What `freshness` returns: one row an objective."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime

from catalog.errors import CatalogError
from flows.results.table import html_table, text_table

_COLUMNS = ("repository", "files", "outcome", "came", "bytes", "newest")


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """One objective of one repository: what came, and what is missing."""

    repository: str
    pattern: str
    files: int
    bytes: int
    newest: datetime | None
    missed: str | None

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.repository}: {self.missed or 'all came'}"


@dataclass(frozen=True, slots=True)
class FreshnessResult:
    """Every objective that was looked at; true when all are met and none could not be read."""

    objectives: tuple[ObjectiveResult, ...]
    broken: tuple[str, ...] = ()  # stored repositories that cannot be used, and why

    def __bool__(self) -> bool:
        """Say whether everything came."""
        return not self.missed and not self.broken

    @property
    def missed(self) -> tuple[ObjectiveResult, ...]:
        """Return the objectives that are not met."""
        return tuple(one for one in self.objectives if one.missed)

    def summary(self) -> str:
        """Return one sentence."""
        unread = f", {len(self.broken)} repositories cannot be read" if self.broken else ""
        return f"{len(self.objectives)} objectives, {len(self.missed)} missed{unread}"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping an objective."""
        return [
            {
                "repository": one.repository,
                "files": one.pattern,
                "outcome": "missed" if one.missed else "met",
                "came": str(one.files),
                "bytes": str(one.bytes),
                "newest": f"{one.newest:%Y-%m-%d %H:%M} UTC" if one.newest else "never",
            }
            for one in self.objectives
        ]

    def __str__(self) -> str:
        """Return the table as text, and under it what is missing."""
        lines = [self.summary(), *text_table(_COLUMNS, self.rows(), ("repository", "files"))]
        return "\n".join(lines + [f"  {one}" for one in (*self.missed, *self.broken)])

    def __repr__(self) -> str:
        """Return the table, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        missing = "".join(f"<li>{html.escape(str(one))}</li>" for one in self.missed)
        table = html_table(_COLUMNS, self.rows())
        return f"<p>{html.escape(self.summary())}</p>{table}<ul>{missing}</ul>"


class FreshnessMissed(CatalogError):
    """Something did not come; `result` tells everything."""

    def __init__(self, result: FreshnessResult) -> None:
        """Name what is missing."""
        super().__init__("; ".join(str(one) for one in (*result.missed, *result.broken)))
        self.result = result
