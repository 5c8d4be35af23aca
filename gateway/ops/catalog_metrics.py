"""The metrics that the catalog tells, under the names of connylabs/ingest.

A scrape asks the catalog at most every few seconds, one at a time, and only if something may have
been recorded since; while one asks, and where the catalog cannot be read, the others are told what
was found last. To ask costs 0.8 s of five million outcomes, hence `SHARE`.
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
SHARE = 0.05  # of the time, at most, is spent on asking
ERROR, SUCCESS = "error", "success"


@dataclass(frozen=True, slots=True)
class CounterSpec:
    """A counter of ingest: its name, what of `CatalogCounts` it counts, operations, text."""

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
        "Plans that were stored; runs that failed before they had one.",
    ),
    CounterSpec(
        "ingest_dequeue_attempts",
        "dequeue",
        "Runs that carried a plan out, by how they ended; not those that were cancelled.",
    ),
    CounterSpec(
        "ingest_client_operations",
        "client",
        "Files that runs read, errors those that reached no destination; files that they removed "
        "from the source, whose errors are not recorded and always 0.",
        ("download", "cleanup"),
    ),
    CounterSpec(
        "ingest_storage_operations",
        "storage",
        "Files that plans looked for at a destination, whose errors are not recorded and always 0; "
        "files that were stored there or failed to be.",
        ("stat", "store"),
    ),
    CounterSpec(
        "ingest_queue_operations",
        "queue",
        "Batches of plans, whose errors are not recorded and always 0; results of batches that "
        "entered the catalog, errors what it set aside.",
        ("pop", "publish"),
    ),
    CounterSpec(
        "ingest_webhook_http_client_requests",
        "webhook",
        "Not recorded, always 0: the runs of flows tell what their webhooks answered.",
    ),
)
SKIPS = "Workflows of workflow files that were skipped because they cannot be."


class CatalogCollector(Collector):
    """Tells Prometheus what a catalog knows; without one all is 0."""

    def __init__(
        self,
        catalog: Catalog | None,
        *,
        fresh_s: float = FRESH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `catalog`, at most every `fresh_s` seconds."""
        self._catalog, self._fresh_s, self._clock = catalog, fresh_s, clock
        self._lock = threading.Lock()
        self._rising = MonotonicCounts()
        self._families = tuple(families(CatalogCounts(), self._rising, readable=False))
        self._until: float | None = None
        self._generation: tuple[int, ...] | None = None

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without asking the catalog."""
        return families(CatalogCounts(), MonotonicCounts(), readable=False)

    def collect(self) -> Iterator[Metric]:
        """Return every metric."""
        if self._catalog is not None and self._lock.acquire(blocking=False):
            try:
                began = self._clock()
                if self._until is None or began >= self._until:
                    self._ask(self._catalog)
                    now = self._clock()
                    self._until = now + max(self._fresh_s, (now - began) / SHARE)
            finally:
                self._lock.release()
        yield from self._families

    def _ask(self, catalog: Catalog) -> None:
        try:
            generation = catalog.generation()
            if generation != self._generation:
                found = families(read_catalog_counts(catalog), self._rising, readable=True)
                self._families, self._generation = tuple(found), generation
        except (CatalogError, duckdb.Error, OSError) as error:
            LOG.warning("metrics are stale, the catalog cannot be read: %s", error)
            self._families = (*self._families[:-1], _readable(found=False))
            self._generation = None


def families(facts: CatalogCounts, rising: MonotonicCounts, *, readable: bool) -> Iterator[Metric]:
    """Return facts as metrics, each series that can be named beforehand at least at 0."""
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
    size = "Bytes of the latest versions of a tenant's repositories, sources too."
    yield _of_tenants("entrepot_stored_bytes", size, "bytes", facts)
    count = "Files of the latest versions of a tenant's repositories, sources too."
    yield _of_tenants("entrepot_stored_files", count, "files", facts)
    yield _readable(found=readable)


def _of_tenants(name: str, told: str, what: str, facts: CatalogCounts) -> Metric:
    gauge = GaugeMetricFamily(name, told, labels=("tenant",))
    for tenant in facts.tenants():
        gauge.add_metric((tenant,), facts[what, tenant, ""])
    return gauge


def _readable(*, found: bool) -> Metric:
    told = (
        "Whether the catalog could be read when it was last asked; if not, its metrics are stale."
    )
    return GaugeMetricFamily("entrepot_catalog_readable", told, value=float(found))
