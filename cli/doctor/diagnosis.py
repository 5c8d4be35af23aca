"""What the doctor finds: one line a thing it looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from flows.results.table import text_table


class Health(StrEnum):
    """How a thing is."""

    WELL = "well"
    WARNING = "warning"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing, how it is, what was found, and what helps where it is not well."""

    thing: str
    health: Health
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Everything that was looked at; falsy where something is ill."""

    diagnoses: tuple[Diagnosis, ...]

    @classmethod
    def of(cls, diagnoses: Iterable[Diagnosis]) -> DoctorReport:
        """Take what was found, in its order."""
        return cls(tuple(diagnoses))

    def __bool__(self) -> bool:
        """Say whether nothing is ill; a warning is no illness."""
        return all(one.health is not Health.ILL for one in self.diagnoses)

    def __str__(self) -> str:
        """Return a table, and under it what helps."""
        columns = ("thing", "health", "found")
        rows = [
            {"thing": one.thing, "health": one.health.value, "found": one.found}
            for one in self.diagnoses
        ]
        advice = [f"  {one.thing}: {one.advice}" for one in self.diagnoses if one.advice]
        return "\n".join([*text_table(columns, rows, words=columns), *advice])
