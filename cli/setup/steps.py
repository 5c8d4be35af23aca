"""What `entrepot setup` or `entrepot workflows apply` did: one line a thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from flows.results.table import text_table


class ChangeKind(StrEnum):
    """What was done with a thing; or would be, where nothing is touched."""

    MADE = "made"
    CHANGED = "changed"
    KEPT = "as it was"
    REMOVED = "removed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One thing, what was done with it, and why where that is no matter of course."""

    thing: str
    did: ChangeKind
    why: str = ""


@dataclass(frozen=True, slots=True)
class SetupReport:
    """Everything that was looked at, in its order; `dry` where nothing was touched."""

    steps: tuple[SetupStep, ...]
    dry: bool = False

    @classmethod
    def of(cls, steps: Iterable[SetupStep], *, dry: bool) -> SetupReport:
        """Take what was done."""
        return cls(tuple(steps), dry)

    @property
    def changes(self) -> bool:
        """Say whether anything was, or would be, made, changed or removed."""
        return any(
            one.did in (ChangeKind.MADE, ChangeKind.CHANGED, ChangeKind.REMOVED)
            for one in self.steps
        )

    def __str__(self) -> str:
        """Return a table, and a line with the sums."""
        columns = ("thing", "done", "why")
        rows = [{"thing": one.thing, "done": one.did.value, "why": one.why} for one in self.steps]
        counts = {did: sum(one.did is did for one in self.steps) for did in ChangeKind}
        sums = ", ".join(f"{count} {did.value}" for did, count in counts.items() if count)
        last = f"{sums}; nothing was touched" if self.dry else sums
        return "\n".join([*text_table(columns, rows, words=columns), last])
