"""The report of `entrepot setup` and `entrepot workflows apply`: one line per object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from flows.results.table import text_table


class ChangeKind(StrEnum):
    """What was done with an object, or would be done in a dry run."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One object, what was done with it, and a note if there is something to add."""

    name: str
    change: ChangeKind
    note: str = ""


@dataclass(frozen=True, slots=True)
class SetupReport:
    """All steps in their order; `dry` if nothing was changed."""

    steps: tuple[SetupStep, ...]
    dry: bool = False

    @classmethod
    def of(cls, steps: Iterable[SetupStep], *, dry: bool) -> SetupReport:
        """Run the steps and collect them."""
        return cls(tuple(steps), dry)

    @property
    def changes(self) -> bool:
        """Return whether anything was, or would be, created, changed or removed."""
        return any(
            step.change in (ChangeKind.CREATED, ChangeKind.CHANGED, ChangeKind.REMOVED)
            for step in self.steps
        )

    def __str__(self) -> str:
        """Return a table, and a line with the totals."""
        columns = ("name", "change", "note")
        rows = [
            {"name": step.name, "change": step.change.value, "note": step.note}
            for step in self.steps
        ]
        counts = {kind: sum(step.change is kind for step in self.steps) for kind in ChangeKind}
        totals = ", ".join(f"{count:,} {kind.value}" for kind, count in counts.items() if count)
        last = f"dry run, nothing was changed: {totals}" if self.dry else totals
        return "\n".join([*text_table(columns, rows, columns), last])
