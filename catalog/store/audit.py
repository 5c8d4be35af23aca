"""Audit: whether the catalog contradicts itself, and what of that can be mended from the rest.

What a version counts, which spans of versions a content row covers, the keys that paths are found
by, and what locations refer to are all derived: each is compared with what it is derived from.
Orders that were set aside because nobody could fold them are told as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from duckdb import DuckDBPyConnection

from catalog.store import statements

MAX_NAMED = 1000  # flaws that an audit carries


class Flaw(StrEnum):
    """What is wrong."""

    COUNT = "count"
    """A version does not count what it holds and changed."""
    KEY = "key"
    """A path is kept under the key of another."""
    LOCATION = "location"
    """A path of a repository lies at two places."""
    ARTIFACT = "artifact"
    """A location has bytes that nothing is known of."""
    SPAN = "span"
    """A path has two contents in one version, or one that ends before it begins."""
    VERSION = "version"
    """Content came or went in a version that does not exist."""
    ORDER = "order"
    """An order could not be folded and was set aside."""


REPAIRABLE = frozenset({Flaw.COUNT, Flaw.KEY, Flaw.LOCATION, Flaw.ARTIFACT})
"""What the rest of the catalog tells; the others lost something that only a backup has."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One thing that is not as the rest of the catalog says."""

    flaw: Flaw
    address: str
    number: int | None
    path: str | None
    expected: str
    found: str

    def __str__(self) -> str:
        """Return one line."""
        version = "" if self.number is None else f" version {self.number}"
        path = "" if self.path is None else f" {self.path!r}"
        where = f"{self.address}{version}{path}"
        return f"{self.flaw}: {where}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found: the first contradictions, and how many there are; true when none."""

    contradictions: tuple[Contradiction, ...] = ()
    count: int = 0

    def __bool__(self) -> bool:
        """Say whether all is well."""
        return not self.count

    def repairable(self) -> bool:
        """Say whether anything found can be mended."""
        return any(one.flaw in REPAIRABLE for one in self.contradictions)


def run_audit(connection: DuckDBPyConnection, tenant: str) -> Audit:
    """Compare all that is derived with what it is derived from."""
    query = statements.load_sql("audit").replace("{counted}", counts_query())
    rows = statements.fetch_rows(connection, query, tenant=tenant, limit=MAX_NAMED)
    found = tuple(Contradiction(Flaw(kind), *row) for kind, *row, _ in rows)
    return Audit(found, rows[0][-1] if rows else 0)


@cache
def counts_query() -> str:
    """Return the query for what each version really counts."""
    return statements.load_sql("counted").replace("{differ}", statements.load_sql("differ"))
