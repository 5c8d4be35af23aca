"""What verify and repair return: how many files are well, and what is wrong, by name."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.model.finding import DAMAGE, UNPROVEN, Fault, Finding
from flows.results.sync import human
from flows.results.table import html_table, text_table

SHOWN = 20  # findings that a message names
_COLUMNS = ("path", "fault", "expected", "found")


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What was found at a repository against one of its versions; true when all is well.

    `counts` counts the `findings` of each kind, and what is catalogued only.
    """

    run_id: str
    repository: str  # label
    address: str
    version: int
    files: int  # of the version
    read: int  # files whose bytes were read
    bytes: int  # read
    findings: tuple[Finding, ...]
    counts: dict[Fault, int]

    def __bool__(self) -> bool:
        """Say whether all was seen and is undamaged; drift and foreign files are no damage."""
        return not self.damaged and not self.unseen

    @property
    def unstored(self) -> int:
        """Return how many files are only catalogued: their bytes lie elsewhere, as they should."""
        return self.counts.get(Fault.NOT_STORED, 0)

    @property
    def unseen(self) -> int:
        """Return how many files nobody could look at: of them nothing is known."""
        return self.counts.get(Fault.UNSEEN, 0)

    @property
    def damaged(self) -> int:
        """Return how many files are missing, unreadable, or not what the version says."""
        return sum(count for fault, count in self.counts.items() if fault in DAMAGE)

    def summary(self) -> str:
        """Return one sentence."""
        looked = f"{self.files} files of version {self.version}"
        if self.read:
            looked += f", {self.read} read ({human(self.bytes)})"
        if not self.counts:
            return f"{looked}: all is well"
        told = ", ".join(f"{count} {fault.value}" for fault, count in sorted(self.counts.items()))
        return f"{looked}: {told}"

    def rows(self) -> list[dict[str, str]]:
        """Return the first findings, one mapping each."""
        return [
            {
                "path": one.path,
                "fault": one.fault.value,
                "expected": one.expected or "",
                "found": one.found or "",
            }
            for one in self.findings[:SHOWN]
        ]

    def __str__(self) -> str:
        """Return the sentence and the findings as text."""
        lines = [f"{self.repository}: {self.summary()}"]
        return "\n".join(
            lines + (text_table(_COLUMNS, self.rows(), words=_COLUMNS) if self.findings else [])
        )

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        told = f"<p>{html.escape(self.repository)}: {html.escape(self.summary())}</p>"
        return told + (html_table(_COLUMNS, self.rows()) if self.findings else "")


class VerifyFailed(CatalogError):
    """A repository is damaged, or could not be seen whole; `result` tells everything."""

    def __init__(self, result: VerifyResult) -> None:
        """Name the first findings."""
        named = [str(one) for one in result.findings if one.fault in UNPROVEN][:SHOWN]
        super().__init__("\n  ".join((f"{result.repository}: {result.summary()}", *named)))
        self.result = result


def counted(findings: list[Finding]) -> dict[Fault, int]:
    """Return how many findings there are of each kind."""
    return dict(Counter(one.fault for one in findings))
