"""What the doctor found: one line per check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from flows.results.table import text_table


class Health(StrEnum):
    """The result of a check."""

    HEALTHY = "healthy"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check: what was found, and how to fix it if it is not healthy."""

    check: str
    health: Health
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The results of all checks; falsy if one is an error."""

    diagnoses: tuple[Diagnosis, ...]

    @classmethod
    def of(cls, diagnoses: Iterable[Diagnosis]) -> DoctorReport:
        """Run the checks and collect their results."""
        return cls(tuple(diagnoses))

    def __bool__(self) -> bool:
        """Return whether no check found an error; warnings do not count."""
        return all(diagnosis.health is not Health.ERROR for diagnosis in self.diagnoses)

    def __str__(self) -> str:
        """Return a table, followed by the advice."""
        columns = ("check", "health", "found")
        rows = [
            {"check": diagnosis.check, "health": diagnosis.health.value, "found": diagnosis.found}
            for diagnosis in self.diagnoses
        ]
        advice = [
            f"  {diagnosis.check}: {diagnosis.advice}"
            for diagnosis in self.diagnoses
            if diagnosis.advice
        ]
        return "\n".join([*text_table(columns, rows, columns), *advice])
