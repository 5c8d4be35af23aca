"""Counts of the work of all flows from the catalog, under ingest's names.

They come from one query, because flows run in other processes, which are not scraped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.catalog import Catalog
from catalog.store import statements

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """Counts by kind, label and result; missing ones are 0."""

    counts: Mapping[Key, int] = field(default_factory=dict[Key, int])

    def __getitem__(self, key: Key) -> int:
        """Return one count."""
        return self.counts.get(key, 0)

    def tenants(self) -> list[str]:
        """Return every tenant that has a repository."""
        return sorted(label for what, label, _ in self.counts if what == "bytes")


def read_catalog_counts(catalog: Catalog) -> CatalogCounts:
    """Query all counts."""
    rows = catalog.sql(statements.load_sql("runs/flow_counts"))
    counts = {(str(what), str(label), str(result)): int(n) for what, label, result, n in rows}
    counts["queue", "pop", "error"] = len(catalog.maintenance.rejected_orders())
    return CatalogCounts(counts)


class MonotonicCounts:
    """Converts counts that may fall, when rows are pruned, to counts that only rise.

    >>> rising = MonotonicCounts()
    >>> [rising.value(("a", "", ""), n) for n in (5, 7, 2, 3)]
    [5, 7, 7, 8]
    """

    __slots__ = ("_last", "_lost")

    def __init__(self) -> None:
        """Start with none."""
        self._last: dict[Key, int] = {}
        self._lost: dict[Key, int] = {}

    def value(self, key: Key, found: int) -> int:
        """Return the rising count for the current count `found`."""
        lost = self._lost.get(key, 0) + max(0, self._last.get(key, 0) - found)
        self._last[key], self._lost[key] = found, lost
        return found + lost
