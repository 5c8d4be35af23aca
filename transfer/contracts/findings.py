"""The findings in one file: every case is counted, and the first ones are kept."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.model.breach import FailureCase, truncate

MAX_CASES = 100  # kept of a file


class Findings:
    """Counts all cases of a file and keeps the first ones."""

    __slots__ = ("_cases", "_last", "_of_file", "count")

    def __init__(self) -> None:
        """Begin without findings."""
        self.count = 0
        self._of_file: dict[FailureCase, None] = {}  # reported first
        self._cases: list[FailureCase] = []
        self._last: int | None = None  # cases after this row are only counted

    def add(
        self,
        check: str,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        """Count a case; one without a row, about the file itself, is counted once."""
        if row is None:
            case = _case(check, row, column, value)
            self.count += case not in self._of_file
            if len(self._of_file) < MAX_CASES:
                self._of_file[case] = None
            return
        self.count += 1
        if self._last is None or row <= self._last:
            self._cases.append(_case(check, row, column, value))
            if len(self._cases) >= 10 * MAX_CASES:
                self._keep_first()

    def report(self) -> Report:
        """Return the findings: about the file itself first, then by row."""
        self._keep_first()
        return Report(self.count, (*self._of_file, *self._cases)[:MAX_CASES])

    def _keep_first(self) -> None:
        self._cases = sorted(self._cases, key=_sort_key)[:MAX_CASES]
        if len(self._cases) == MAX_CASES:
            self._last = self._cases[-1].row


@dataclass(frozen=True, slots=True)
class Report:
    """What a contract found in one file; falsy if nothing."""

    count: int
    cases: tuple[FailureCase, ...]

    def __bool__(self) -> bool:
        """Say whether the contract is broken."""
        return self.count > 0


def _case(check: str, row: int | None, column: str | None, value: object) -> FailureCase:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    text = None if value is None else truncate(str(value))
    return FailureCase(truncate(check), row, None if column is None else truncate(column), text)


def _sort_key(case: FailureCase) -> tuple[int, str, str, str]:
    return case.row or 0, case.column or "", case.check, case.value or ""
