"""Metrics from the catalog, under the names of connylabs/ingest.

Scrapes query the catalog one at a time, at most every few seconds, and only if it has changed.
Meanwhile, and while the catalog cannot be read, other scrapes get the last values. A query takes
0.8 s for five million outcomes, hence `SHARE`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from catalog.catalog import Catalog
from catalog.errors import CatalogError
from gateway.ops.catalog_counts import CatalogCounts, MonotonicCounts, read_catalog_counts

LOG = logging.getLogger(__name__)
FRESH_S = 10.0
SHARE = 0.05  # of the time is spent on queries at most
ERROR, SUCCESS = "error", "success"


@dataclass(frozen=True, slots=True)
class CounterSpec:
    """A counter of ingest: its name, its kind in `CatalogCounts`, description, operations."""

    name: str
    what: str
    text: str
    operations: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of its labels."""
        return ("operation", "result") if self.operations else ("result",)


COUNTERS = (
    CounterSpec(
        "ingest_enqueue_attempts",
        "enqueue",
        "Stored plans; errors are runs that failed before they had one.",
    ),
    CounterSpec(
        "ingest_dequeue_attempts",
        "dequeue",
        "Runs that applied a plan, by result; without cancelled ones.",
    ),
    CounterSpec(
        "ingest_client_operations",
        "client",
        "Files that runs read; errors are files that reached no destination. Files that runs "
        "removed from the source; errors are not recorded and always 0.",
        ("download", "cleanup"),
    ),
    CounterSpec(
        "ingest_storage_operations",
        "storage",
        "Files that plans looked up at a destination; errors are not recorded and always 0. Files "
        "that were stored there; errors are files that failed.",
        ("stat", "store"),
    ),
    CounterSpec(
        "ingest_queue_operations",
        "queue",
        "Batches of plans; errors are not recorded and always 0. Results of batches recorded in "
        "the catalog; errors are rejected ones.",
        ("pop", "publish"),
    ),
    CounterSpec(
        "ingest_webhook_http_client_requests",
        "webhook",
        "Not recorded, always 0: see the runs of flows for the results of their webhooks.",
    ),
)
SKIPS = "Workflows of workflow files that were skipped because they are invalid."


class CatalogCollector(Collector):
    """Collects the metrics of a catalog; without one everything is 0."""

    def __init__(
        self,
        catalog: Catalog | None,
        *,
        fresh_s: float = FRESH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Query `catalog` at most every `fresh_s` seconds."""
        self._catalog, self._fresh_s, self._clock = catalog, fresh_s, clock
        self._lock = threading.Lock()
        self._rising = MonotonicCounts()
        self._families = tuple(families(CatalogCounts(), self._rising, readable=False))
        self._until: float | None = None
        self._generation: tuple[int, ...] | None = None

    def describe(self) -> Iterator[Metric]:
        """Return the metrics' names without querying the catalog."""
        return families(CatalogCounts(), MonotonicCounts(), readable=False)

    def collect(self) -> Iterator[Metric]:
        """Return every metric."""
        if self._catalog is not None and self._lock.acquire(blocking=False):
            try:
                began = self._clock()
                if self._until is None or began >= self._until:
                    self._refresh(self._catalog)
                    now = self._clock()
                    self._until = now + max(self._fresh_s, (now - began) / SHARE)
            finally:
                self._lock.release()
        yield from self._families

    def _refresh(self, catalog: Catalog) -> None:
        try:
            generation = catalog.generation()
            if generation != self._generation:
                found = families(read_catalog_counts(catalog), self._rising, readable=True)
                self._families, self._generation = tuple(found), generation
        except (CatalogError, duckdb.Error, OSError) as error:
            LOG.warning("metrics are stale: the catalog cannot be read: %s", error)
            self._families = (*self._families[:-1], _readable_gauge(found=False))
            self._generation = None


def families(facts: CatalogCounts, rising: MonotonicCounts, *, readable: bool) -> Iterator[Metric]:
    """Return counts as metrics; every known series is at least 0."""
    for one in COUNTERS:
        counter = CounterMetricFamily(one.name, one.text, labels=one.labels)
        for operation in one.operations or ("",):
            for result in (ERROR, SUCCESS):
                key = (one.what, operation, result)
                values = (operation, result) if operation else (result,)
                counter.add_metric(values, rising.value(key, facts[key]))
        yield counter
    skips = CounterMetricFamily("ingest_workflow_instantiation_failures", SKIPS)
    key = ("skipped", "", "")
    skips.add_metric((), rising.value(key, facts[key]))
    yield skips
    size = "Bytes in the latest versions of a tenant's repositories, including sources."
    yield _tenant_gauge("entrepot_stored_bytes", size, "bytes", facts)
    count = "Files in the latest versions of a tenant's repositories, including sources."
    yield _tenant_gauge("entrepot_stored_files", count, "files", facts)
    yield _readable_gauge(found=readable)


def _tenant_gauge(name: str, help_text: str, what: str, facts: CatalogCounts) -> Metric:
    gauge = GaugeMetricFamily(name, help_text, labels=("tenant",))
    for tenant in facts.tenants():
        gauge.add_metric((tenant,), facts[what, tenant, ""])
    return gauge


def _readable_gauge(*, found: bool) -> Metric:
    help_text = "Whether the last query of the catalog succeeded; if not, its metrics are stale."
    return GaugeMetricFamily("entrepot_catalog_readable", help_text, value=float(found))
