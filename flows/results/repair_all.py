"""What `repair_all` returns: one row a repository."""

from __future__ import annotations

import html
from dataclasses import dataclass

from catalog.errors import CatalogError
from flows.results.table import html_table, text_table

SHOWN = 20  # repositories, and files of each, that a message names
_COLUMNS = ("repository", "outcome", "examined", "damaged", "repaired", "unrepairable")


@dataclass(frozen=True, slots=True)
class RepairedRepository:
    """What became of one repository, in files."""

    name: str
    address: str
    examined: int = 0
    damaged: int = 0
    repaired: int = 0
    unrepairable: tuple[str, ...] = ()  # paths
    passed_over: str = ""  # why it was not looked at
    error: str = ""

    @property
    def outcome(self) -> str:
        """Return one word or two."""
        if self.error:
            return "failed"
        if self.passed_over:
            return "passed over"
        if self.unrepairable:
            return "damaged"
        return "repaired" if self.repaired else "well"

    @property
    def remark(self) -> str:
        """Return what the table does not tell; empty where that is all."""
        if self.unrepairable:
            lost = ", ".join(map(repr, self.unrepairable[:SHOWN]))
            more = len(self.unrepairable) - SHOWN
            return f"lost: {lost}" + (f" and {more} more" if more > 0 else "")
        return self.error or self.passed_over


@dataclass(frozen=True, slots=True)
class RepairAllResult:
    """What became of every repository; true when all that was looked at is well now."""

    repositories: tuple[RepairedRepository, ...]

    def __bool__(self) -> bool:
        """Say whether nothing damaged is left, and nothing could not be looked at."""
        return not self.failed

    @property
    def failed(self) -> tuple[RepairedRepository, ...]:
        """Return the repositories that are damaged still, or could not be mended."""
        return tuple(one for one in self.repositories if one.error or one.unrepairable)

    def summary(self) -> str:
        """Return one sentence."""
        outcomes = [one.outcome for one in self.repositories]
        told = ", ".join(
            f"{outcomes.count(word)} {word}"
            for word in ("well", "repaired", "damaged", "failed", "passed over")
            if word in outcomes
        )
        return f"{len(self.repositories)} repositories: {told}"

    def rows(self) -> list[dict[str, str]]:
        """Return the table, one mapping a repository."""
        return [
            {
                "repository": one.name,
                "outcome": one.outcome,
                "examined": str(one.examined),
                "damaged": str(one.damaged),
                "repaired": str(one.repaired),
                "unrepairable": str(len(one.unrepairable)),
            }
            for one in self.repositories
        ]

    def __str__(self) -> str:
        """Return the table as text, and under it what went wrong and what was passed over."""
        lines = [self.summary(), *text_table(_COLUMNS, self.rows(), ("outcome",))]
        passed = [one for one in self.repositories if one.passed_over]
        told = (*self.failed[:SHOWN], *passed[:SHOWN])
        return "\n".join(lines + [f"  {one.name}: {one.remark}" for one in told])

    def __repr__(self) -> str:
        """Return the table, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        return f"<p>{html.escape(self.summary())}</p>" + html_table(_COLUMNS, self.rows())


class RepairAllFailed(CatalogError):
    """Some repositories are damaged still or could not be mended; `result` tells everything."""

    def __init__(self, result: RepairAllResult) -> None:
        """Name them."""
        named = ", ".join(repr(one.name) for one in result.failed[:SHOWN])
        super().__init__(f"not all is well in {named}; {result}")
        self.result = result
