"""What a contract found in a file: the first failure cases, and their number."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 200  # characters of a value, and of what it fails


@dataclass(frozen=True, slots=True)
class FailureCase:
    """One violation of a contract, with its place as far as it is known.

    `row` counts from 1: the first record after the header of a CSV file, the first row of Parquet,
    the first line of JSON Lines.
    """

    check: str
    row: int | None = None
    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        """Return one line."""
        where = "".join(
            f"{word} {found}, "
            for word, found in (("row", self.row), ("column", self.column))
            if found is not None
        )
        value = "" if self.value is None else f", found {self.value!r}"
        return f"{where}{self.check}{value}"


@dataclass(frozen=True, slots=True)
class Breach:
    """One file that broke one contract in one run, and what followed."""

    contract: str
    then: str
    path: str
    origin: str
    origin_etag: str | None
    digest: str | None  # sha256 hex
    failures: int  # all of them; `cases` are the first
    cases: tuple[FailureCase, ...]
    aside: str | None = None  # address and name of the copy that was put aside

    def summary(self) -> str:
        """Return the first case as a sentence, and the number of further ones."""
        first = next(map(str, self.cases), "it is broken")
        return f"{first} (and {self.failures - 1:,} more)" if self.failures > 1 else first


def truncate(text: str) -> str:
    """Shorten a text to what is kept, in characters that can be stored anywhere.

    >>> len(truncate("x" * 1000))
    200
    """
    whole = text.encode("utf-8", "backslashreplace").decode().replace("\\x00", "\\\\x00")
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"
