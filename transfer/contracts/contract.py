"""What a contract is: which files, what must be true of their content, and what follows if not.

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
    """By the end of its name: .csv, .parquet, .jsonl, .ndjson or .json."""
    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    JSON = "json"


class Rows(StrEnum):
    """Which rows of a file are looked at."""

    ALL = "all"
    FIRST = "first"
    """The first `step` rows; what follows them is not even read."""
    EVERY = "every"
    """Rows 1, 1 + `step`, 1 + 2 `step` and so on."""


class Then(StrEnum):
    """What follows where a file breaks its contract."""

    QUARANTINE = "quarantine"
    """It is left out and put aside; the run goes on well."""
    FAIL = "fail"
    """It fails, and so does the run in the end; all others arrive."""
    WARN = "warn"
    """It arrives, and what was found is recorded."""


class Kind(StrEnum):
    """In which language the rule of a contract is written."""

    PANDERA = "pandera"
    """The text of a polars schema in pandera's own YAML."""
    MODEL = "pandera-model"
    """`module:Name` of a `pandera.polars` DataFrameModel or DataFrameSchema."""
    JSON_SCHEMA = "json-schema"
    """The text of a JSON Schema: for each JSON document, or each line of JSON Lines."""
    FUNCTION = "function"
    """`module:function` of your own."""


class OwnChecks(StrEnum):
    """What the checks of your own in a pandera schema look at."""

    COLUMN = "column"
    """A whole column or table at once: the file has to fit into memory."""
    ROWS = "rows"
    """Each row by itself: files of any size are checked part by part."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be true: in which language, and in which words."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How CSV files are written."""

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract; it may be pickled, and is stored as it is with a plan."""

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
    """What leads to the repository that bad files are put aside in; '' for the destination."""

    def covers(self, path: str) -> bool:
        """Say whether a file is held to this contract."""
        wanted, unwanted = _pattern(self.include), _pattern(self.exclude)
        return (wanted is None or wanted.fullmatch(path) is not None) and (
            unwanted is None or unwanted.fullmatch(path) is None
        )

    def format_of(self, path: str) -> Format | None:
        """Return how a file is read; None where its name does not tell."""
        if self.format is not Format.ANY:
            return self.format
        return SUFFIXES.get(path[path.rfind(".") :].lower())

    def includes_row(self, row: int) -> bool:
        """Say whether a row, counted from 1, is looked at."""
        return self.rows is not Rows.EVERY or (row - 1) % self.step == 0

    @property
    def max_rows(self) -> int | None:
        """Return how many rows are read at most; None for all."""
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
