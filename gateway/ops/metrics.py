"""What Prometheus may ask of the gateway: its own counts, and those that the catalog tells.

    metrics = Metrics(catalog)
    app = MetricsMiddleware(app, metrics)
    routes = [Route("/metrics", metrics_app(metrics.registry))]

Every series that can be named beforehand is there at 0 from the start. `docs/metrics.md` has all.
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
from gateway.ops.exchange import NOBODY, Exchange, tenant_of

LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
STORAGE_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
TENANTS = 1000  # with a series of their own; the others share one
OTHER = "other"


class Result(StrEnum):
    """How something ended, as ingest calls it."""

    SUCCESS = "success"
    ERROR = "error"


class StorageOperation(StrEnum):
    """What was done at a storage, as ingest calls it."""

    STAT = "stat"
    STORE = "store"


class Registry(CollectorRegistry):
    """A registry without the moments at which series were made: one more series each, unread."""

    def collect(self) -> Iterator[Metric]:
        """Return every metric."""
        for metric in super().collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric


class Metrics:
    """Every metric of one gateway, in a registry of its own."""

    def __init__(self, catalog: Catalog | None = None) -> None:
        """Begin at zero; a `catalog` also tells what the flows did, in whatever process."""
        self.registry = own = Registry()
        self._duration = Histogram(
            "entrepot_request_duration_seconds",
            "Time from a request's head to the end of its reply.",
            ("method", "route", "status"),
            buckets=LATENCY_S,
            registry=own,
        )
        self._in_progress = Gauge(
            "entrepot_requests_in_progress", "Requests that are answered now.", registry=own
        )
        self._sent = Counter(
            "entrepot_bytes_sent_total", "Bytes of replies' bodies.", ("tenant",), registry=own
        )
        self._received = Counter(
            "entrepot_bytes_received_total", "Bytes of requests' bodies.", ("tenant",), registry=own
        )
        self._fetches = Counter(
            "entrepot_upstream_fetches_total",
            "Files that the streamer asked a source for.",
            ("result",),
            registry=own,
        )
        self._coalesced = Counter(
            "entrepot_upstream_coalesced_total",
            "Requests that were answered by a fetch which another one had begun.",
            registry=own,
        )
        self._corrupt = Counter(
            "entrepot_corrupt_upstream_total",
            "Fetched files whose bytes were not those that the catalog names.",
            registry=own,
        )
        self._storage = Histogram(
            "ingest_storage_operation_duration_seconds",
            "Time of storage operations of this gateway; those of the flows are not recorded.",
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

    def fetched(self, result: Result) -> None:
        """Count a file that the streamer asked a source for."""
        self._fetches.labels(result.value).inc()

    def coalesced(self) -> None:
        """Count a request that was answered by another one's fetch."""
        self._coalesced.inc()

    def corrupt(self) -> None:
        """Count a fetched file with wrong bytes."""
        self._corrupt.inc()

    def stored(self, operation: StorageOperation, seconds: float) -> None:
        """Count what the gateway itself did at a storage, and how long it took."""
        self._storage.labels(operation.value).observe(seconds)

    def began(self) -> None:
        """Count a request that is answered from now on."""
        self._in_progress.inc()

    def ended(self, scope: Scope, exchange: Exchange, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self._in_progress.dec()
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._duration.labels(method, route_of(scope), str(status)).observe(seconds)
        tenant = self._tenant(tenant_of(scope))
        self._sent.labels(tenant).inc(exchange.sent)
        self._received.labels(tenant).inc(exchange.received)

    def _tenant(self, name: str) -> str:
        if name not in self._tenants:
            if len(self._tenants) >= TENANTS:
                return OTHER
            self._tenants.add(name)
        return name


class MetricsMiddleware:
    """ASGI middleware that counts and times requests; put it outside of what refuses them."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Wrap `app`."""
        self._app, self._metrics, self._clock = app, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, then count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, exchange, failed = self._clock(), Exchange(receive, send), True
        self._metrics.began()
        try:
            await self._app(scope, exchange.receive, exchange.send)
            failed = False
        finally:
            seconds = self._clock() - began
            self._metrics.ended(scope, exchange, exchange.outcome(failed=failed), seconds)


class VisibleRegistry:
    """A registry as somebody may see it: series of other tenants are left out."""

    def __init__(self, registry: CollectorRegistry, tenants: frozenset[str] | None) -> None:
        """Show the series of these `tenants`, None for all, and those that are of none."""
        self._registry, self._tenants = registry, tenants

    def collect(self) -> Iterator[Metric]:
        """Return every metric, with the samples that may be seen."""
        for metric in self._registry.collect():
            if self._tenants is not None:
                metric.samples = [one for one in metric.samples if self._is_seen(one.labels)]
            yield metric

    def _is_seen(self, labels: Mapping[str, str]) -> bool:
        return self._tenants is None or labels.get("tenant", NOBODY) in {NOBODY, *self._tenants}


def all_tenants(_: Scope) -> frozenset[str] | None:
    """Let whoever asks see every tenant's figures."""
    return None


class MetricsApp:
    """ASGI app that answers a scrape, as OpenMetrics where the scraper takes that."""

    def __init__(
        self,
        registry: CollectorRegistry,
        sees: Callable[[Scope], frozenset[str] | None] = all_tenants,
    ) -> None:
        """Tell what is in `registry`; `sees` says whose figures a caller may see, None for all."""
        self._registry, self._sees = registry, sees

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scrape."""
        request = Request(scope, receive)
        if request.method not in ("GET", "HEAD"):
            await Response(status_code=405, headers={"allow": "GET, HEAD"})(scope, receive, send)
            return
        accepted = ",".join(request.headers.getlist("accept"))
        encode, kind = choose_encoder(accepted)
        seen = VisibleRegistry(self._registry, self._sees(scope))
        text = await run_in_threadpool(encode, seen)  # it may read the catalog
        await Response(text, headers={"content-type": kind})(scope, receive, send)


def metrics_app(
    registry: CollectorRegistry, sees: Callable[[Scope], frozenset[str] | None] = all_tenants
) -> ASGIApp:
    """Return the app that answers a scrape; whoever mounts it says who sees what."""
    return MetricsApp(registry, sees)


def route_of(scope: Scope) -> str:
    """Return the template of the route that answered, `/v1/{tenant}/…`, or `other`.

    Never the path itself: whoever makes up paths would make up series.
    """
    found = scope.get("entrepot.route") or getattr(scope.get("route"), "path", None)
    return str(found) if found else OTHER
