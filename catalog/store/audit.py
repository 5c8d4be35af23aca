"""Audit: whether the catalog contradicts itself, and what can be repaired from the rest of it.

The counts of a version, the spans of versions that a content row covers, the keys of paths, and the
targets of locations are all derived: each is compared with what it is derived from. Quarantined
orders are reported as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from duckdb import DuckDBPyConnection

from catalog.store import statements

MAX_NAMED = 1000  # contradictions of one audit


class Flaw(StrEnum):
    """What is wrong."""

    COUNT = "count"
    """The counts of a version do not match its content."""
    KEY = "key"
    """A path has the key of another path."""
    LOCATION = "location"
    """A path of a repository has two locations."""
    ARTIFACT = "artifact"
    """A location has an unknown artifact."""
    SPAN = "span"
    """A path has two contents in one version, or a span that ends before it begins."""
    VERSION = "version"
    """Content was added or removed in a version that does not exist."""
    ORDER = "order"
    """An order could not be applied and is in quarantine."""


REPAIRABLE = frozenset({Flaw.COUNT, Flaw.KEY, Flaw.LOCATION, Flaw.ARTIFACT})
"""What can be repaired from the rest of the catalog; the others need a backup."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One contradiction to the rest of the catalog."""

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
    """The result of an audit: the first contradictions and their number; true if there are none."""

    contradictions: tuple[Contradiction, ...] = ()
    count: int = 0

    def __bool__(self) -> bool:
        """Say whether the catalog is healthy."""
        return not self.count

    def repairable(self) -> bool:
        """Say whether anything found can be repaired."""
        return any(found.flaw in REPAIRABLE for found in self.contradictions)


def run_audit(connection: DuckDBPyConnection, tenant: str) -> Audit:
    """Check all derived data against what it is derived from."""
    query = statements.load_sql("audit/find").replace("{counted}", counts_query())
    rows = statements.fetch_rows(connection, query, tenant=tenant, limit=MAX_NAMED)
    contradictions = tuple(Contradiction(Flaw(kind), *row) for kind, *row, _ in rows)
    return Audit(contradictions, rows[0][-1] if rows else 0)


@cache
def counts_query() -> str:
    """Return the query for the true counts of each version."""
    return statements.load_sql("audit/true_counts").replace(
        "{differ}", statements.load_sql("versions/bytes_differ")
    )
