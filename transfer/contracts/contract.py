"""Contracts: for which files, what must be true of their content, and the consequence if not.

>>> rule = Rule(Kind.PANDERA, "columns: {price: {dtype: Float64}}")
>>> prices = Contract("prices", rule, ("*.csv",))
>>> prices.covers("2024/may.csv"), prices.covers("2024/may.pdf")
(True, False)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from catalog.glob import globs_to_regex


class Format(StrEnum):
    """How the content of a file is read."""

    ANY = "any"
    """By its suffix: .csv, .parquet, .jsonl, .ndjson or .json."""
    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    JSON = "json"


class Rows(StrEnum):
    """Which rows of a file are checked."""

    ALL = "all"
    FIRST = "first"
    """The first `step` rows; the others are not even read."""
    EVERY = "every"
    """Rows 1, 1 + `step`, 1 + 2 `step` and so on."""


class Then(StrEnum):
    """The consequence when a file breaks its contract."""

    QUARANTINE = "quarantine"
    """The file is left out and put into quarantine; the run does not fail."""
    FAIL = "fail"
    """The file fails, and so does the run in the end; all others arrive."""
    WARN = "warn"
    """The file arrives, and the findings are recorded."""


class Kind(StrEnum):
    """The language of a contract's rule."""

    PANDERA = "pandera"
    """A polars schema in pandera's YAML."""
    MODEL = "pandera-model"
    """`module:Name` of a `pandera.polars` DataFrameModel or DataFrameSchema."""
    JSON_SCHEMA = "json-schema"
    """A JSON Schema for each JSON document, or each line of JSON Lines."""
    FUNCTION = "function"
    """`module:function` with your own check."""


class OwnChecks(StrEnum):
    """What your own checks in a pandera schema receive."""

    COLUMN = "column"
    """A whole column or table at once: the file must fit into memory."""
    ROWS = "rows"
    """Single rows: files of any size are checked chunk by chunk."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be true: the language and the text of the rule."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """The CSV dialect."""

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract; it can be pickled, and is stored with a plan."""

    name: str
    rule: Rule
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    format: Format = Format.ANY
    rows: Rows = Rows.ALL
    step: int = 1000
    then: Then = Then.QUARANTINE
    csv: CsvOptions = CsvOptions()
    own_checks: OwnChecks = OwnChecks.COLUMN
    quarantine: str = ""
    """Block name or address of the repository for bad files; '' for the destination."""

    def covers(self, path: str) -> bool:
        """Say whether this contract applies to a file."""
        wanted, unwanted = _pattern(self.include), _pattern(self.exclude)
        return (wanted is None or wanted.fullmatch(path) is not None) and (
            unwanted is None or unwanted.fullmatch(path) is None
        )

    def format_of(self, path: str) -> Format | None:
        """Return the format of a file; None if its name does not tell."""
        if self.format is not Format.ANY:
            return self.format
        return SUFFIXES.get(path[path.rfind(".") :].lower())

    def includes_row(self, row: int) -> bool:
        """Say whether a row, counted from 1, is checked."""
        return self.rows is not Rows.EVERY or (row - 1) % self.step == 0

    @property
    def max_rows(self) -> int | None:
        """Return the largest number of rows to read; None for all."""
        return self.step if self.rows is Rows.FIRST else None


SUFFIXES = {
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSON,
}


@cache
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile(globs_to_regex(globs)) if globs else None
