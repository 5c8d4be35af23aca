"""The result of `verify`: what was found, file by file."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.formats.quantities import format_bytes
from catalog.model.finding import DAMAGE, UNPROVEN, Fault, Finding
from flows.results.table import html_table, text_table

MAX_ROWS = 20  # findings in a message
_COLUMNS = ("path", "fault", "expected", "found")


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """How a repository differs from one of its versions; true if no file is damaged.

    `counts` has the number of `findings` of each kind, and of files that are only catalogued.
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
        """Return whether every file was seen and is intact, foreign files aside."""
        return not self.damaged and not self.unseen

    @property
    def unstored(self) -> int:
        """Return how many files are only catalogued, so that their bytes are not expected here."""
        return self.counts.get(Fault.NOT_STORED, 0)

    @property
    def unseen(self) -> int:
        """Return how many files could not be examined."""
        return self.counts.get(Fault.UNSEEN, 0)

    @property
    def damaged(self) -> int:
        """Return how many files are missing, unreadable, or differ from the version."""
        return sum(count for fault, count in self.counts.items() if fault in DAMAGE)

    def summary(self) -> str:
        """Return one sentence."""
        examined = f"{self.files:,} files of version {self.version}"
        if self.read:
            examined += f", {self.read:,} read ({format_bytes(self.bytes)})"
        if not self.counts:
            return f"{examined}: all intact"
        counts = sorted(self.counts.items())
        return f"{examined}: {', '.join(f'{count:,} {fault.value}' for fault, count in counts)}"

    def rows(self) -> list[dict[str, str]]:
        """Return the first findings, one mapping each."""
        return [
            {
                "path": finding.path,
                "fault": finding.fault.value,
                "expected": finding.expected or "",
                "found": finding.found or "",
            }
            for finding in self.findings[:MAX_ROWS]
        ]

    def __str__(self) -> str:
        """Return the sentence and the findings as text."""
        lines = [f"{self.repository}: {self.summary()}"]
        return "\n".join(
            lines + (text_table(_COLUMNS, self.rows(), _COLUMNS) if self.findings else [])
        )

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for notebooks."""
        heading = f"<p>{html.escape(self.repository)}: {html.escape(self.summary())}</p>"
        return heading + (html_table(_COLUMNS, self.rows()) if self.findings else "")


class VerifyFailed(CatalogError):
    """A repository is damaged or could not be fully examined; `result` has the details."""

    def __init__(self, result: VerifyResult) -> None:
        """List the first findings."""
        named = [str(found) for found in result.findings if found.fault in UNPROVEN][:MAX_ROWS]
        super().__init__("\n  ".join((f"{result.repository}: {result.summary()}", *named)))
        self.result = result


def count_faults(findings: list[Finding]) -> dict[Fault, int]:
    """Return the number of findings of each kind."""
    return dict(Counter(finding.fault for finding in findings))
