"""Prometheus metrics of the gateway and of the catalog.

    metrics = Metrics(catalog)
    app = MetricsMiddleware(app, metrics)
    routes = [Route("/metrics", metrics_app(metrics.registry))]

Every known series is 0 from the start. See `docs/metrics.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog.catalog import Catalog
from gateway.ops.catalog_metrics import CatalogCollector
from gateway.ops.request_meter import NOBODY, RequestMeter, tenant_of

LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
STORAGE_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
TENANTS = 1000  # with their own series; further ones share one
OTHER = "other"


class Result(StrEnum):
    """A result, in ingest's words."""

    SUCCESS = "success"
    ERROR = "error"


class StorageOperation(StrEnum):
    """A storage operation, in ingest's words."""

    STAT = "stat"
    STORE = "store"


class Registry(CollectorRegistry):
    """A registry without `_created` series, which double the number of series."""

    def collect(self) -> Iterator[Metric]:
        """Return every metric."""
        for metric in super().collect():
            metric.samples = [
                sample for sample in metric.samples if not sample.name.endswith("_created")
            ]
            yield metric


class Metrics:
    """All metrics of one gateway, in its own registry."""

    def __init__(self, catalog: Catalog | None = None) -> None:
        """Start at zero; a `catalog` adds metrics of flows in all processes."""
        self.registry = own = Registry()
        self._duration = Histogram(
            "entrepot_request_duration_seconds",
            "Time from a request's head to the end of its response.",
            ("method", "route", "status"),
            buckets=LATENCY_S,
            registry=own,
        )
        self._in_progress = Gauge(
            "entrepot_requests_in_progress", "Requests being handled.", registry=own
        )
        self._sent = Counter(
            "entrepot_bytes_sent_total", "Bytes of response bodies.", ("tenant",), registry=own
        )
        self._received = Counter(
            "entrepot_bytes_received_total", "Bytes of request bodies.", ("tenant",), registry=own
        )
        self._fetches = Counter(
            "entrepot_upstream_fetches_total",
            "Files that the streamer fetched from a source.",
            ("result",),
            registry=own,
        )
        self._coalesced = Counter(
            "entrepot_upstream_coalesced_total",
            "Requests served by a fetch that another request had started.",
            registry=own,
        )
        self._corrupt = Counter(
            "entrepot_corrupt_upstream_total",
            "Fetched files whose content did not match the catalog.",
            registry=own,
        )
        self._storage = Histogram(
            "ingest_storage_operation_duration_seconds",
            "Time of storage operations of this gateway; those of flows are not recorded.",
            ("operation",),
            buckets=STORAGE_S,
            registry=own,
        )
        for result in Result:
            self._fetches.labels(result.value)
        for operation in StorageOperation:
            self._storage.labels(operation.value)
        self._tenants: set[str] = set()
        own.register(CatalogCollector(catalog))

    def count_fetch(self, result: Result) -> None:
        """Count a file that the streamer fetched from a source."""
        self._fetches.labels(result.value).inc()

    def count_coalesced(self) -> None:
        """Count a request served by another request's fetch."""
        self._coalesced.inc()

    def count_corrupt(self) -> None:
        """Count a fetched file with corrupt content."""
        self._corrupt.inc()

    def observe_storage(self, operation: StorageOperation, seconds: float) -> None:
        """Count a storage operation of the gateway, and its duration."""
        self._storage.labels(operation.value).observe(seconds)

    def request_started(self) -> None:
        """Count the start of a request."""
        self._in_progress.inc()

    def request_ended(self, scope: Scope, meter: RequestMeter, status: int, seconds: float) -> None:
        """Count the end of a request."""
        self._in_progress.dec()
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._duration.labels(method, route_of(scope), str(status)).observe(seconds)
        tenant = self._tenant(tenant_of(scope))
        self._sent.labels(tenant).inc(meter.sent)
        self._received.labels(tenant).inc(meter.received)

    def _tenant(self, name: str) -> str:
        if name not in self._tenants:
            if len(self._tenants) >= TENANTS:
                return OTHER
            self._tenants.add(name)
        return name


class MetricsMiddleware:
    """ASGI middleware that counts and times requests, including refused ones if it is outside."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Wrap `app`."""
        self._app, self._metrics, self._clock = app, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, then count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, meter, failed = self._clock(), RequestMeter(receive, send), True
        self._metrics.request_started()
        try:
            await self._app(scope, meter.receive, meter.send)
            failed = False
        finally:
            seconds = self._clock() - began
            self._metrics.request_ended(scope, meter, meter.final_status(failed=failed), seconds)


class VisibleRegistry:
    """A registry without the series of other tenants."""

    def __init__(self, registry: CollectorRegistry, tenants: frozenset[str] | None) -> None:
        """Show the series of `tenants` (None for all), and those without a tenant."""
        self._registry, self._tenants = registry, tenants

    def collect(self) -> Iterator[Metric]:
        """Return every metric with its visible samples."""
        for metric in self._registry.collect():
            if self._tenants is not None:
                metric.samples = [
                    sample for sample in metric.samples if self._is_visible(sample.labels)
                ]
            yield metric

    def _is_visible(self, labels: Mapping[str, str]) -> bool:
        return self._tenants is None or labels.get("tenant", NOBODY) in {NOBODY, *self._tenants}


def all_tenants(_: Scope) -> frozenset[str] | None:
    """Show the metrics of all tenants."""
    return None


class MetricsApp:
    """ASGI app for scrapes; responds in OpenMetrics format if the scraper accepts it."""

    def __init__(
        self,
        registry: CollectorRegistry,
        visible_tenants: Callable[[Scope], frozenset[str] | None] = all_tenants,
    ) -> None:
        """Serve `registry`; `visible_tenants` returns whose metrics a caller may see."""
        self._registry, self._visible_tenants = registry, visible_tenants

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a scrape."""
        request = Request(scope, receive)
        if request.method not in ("GET", "HEAD"):
            await Response(status_code=405, headers={"allow": "GET, HEAD"})(scope, receive, send)
            return
        accepted = ",".join(request.headers.getlist("accept"))
        encode, kind = choose_encoder(accepted)
        seen = VisibleRegistry(self._registry, self._visible_tenants(scope))
        text = await run_in_threadpool(encode, seen)  # it may read the catalog
        await Response(text, headers={"content-type": kind})(scope, receive, send)


def metrics_app(
    registry: CollectorRegistry,
    visible_tenants: Callable[[Scope], frozenset[str] | None] = all_tenants,
) -> ASGIApp:
    """Return the app for scrapes, with the tenants that each caller may see."""
    return MetricsApp(registry, visible_tenants)


def route_of(scope: Scope) -> str:
    """Return the template of the matched route, `/v1/{tenant}/…`, or `other`.

    Never the path itself, because clients could create any number of series.
    """
    found = scope.get("entrepot.route") or getattr(scope.get("route"), "path", None)
    return str(found) if found else OTHER
