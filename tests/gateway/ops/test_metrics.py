"""What a scrape tells: every name from the start, the gateway's counts, the catalog's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from catalog.catalog import Catalog
from catalog.catalog_file import RACY_NS
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import Action
from catalog.model.run import SKIPPED, Run, skipped_run
from catalog.store.statements import Row
from gateway.ops.catalog_metrics import CatalogCollector
from gateway.ops.metrics import (
    TENANTS,
    Metrics,
    MetricsMiddleware,
    Result,
    StorageOperation,
    metrics_app,
)
from tests.catalog.catalog_steps import HERE, SOURCE, THERE, CatalogSteps, file
from tests.gateway.serving import serving

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
BOTH = ("error", "success")
INGEST = {
    "ingest_enqueue_attempts_total": ((), BOTH),
    "ingest_dequeue_attempts_total": ((), BOTH),
    "ingest_client_operations_total": (("download", "cleanup"), BOTH),
    "ingest_storage_operations_total": (("stat", "store"), BOTH),
    "ingest_queue_operations_total": (("pop", "publish"), BOTH),
    "ingest_webhook_http_client_requests_total": ((), BOTH),
    "ingest_workflow_instantiation_failures_total": ((), ()),
    "ingest_storage_operation_duration_seconds_count": (("stat", "store"), ()),
}
Labels = frozenset[tuple[str, str]]


def samples(text: str) -> dict[tuple[str, Labels], float]:
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in parse(text)
        for one in family.samples
    }


def counts(metrics: Metrics, prefix: str = "") -> dict[str, float]:
    """Return what is not 0, as Prometheus writes it."""
    found: dict[str, float] = {}
    for (name, labels), value in samples(generate_latest(metrics.registry).decode()).items():
        inner = ",".join(f"{key}={one}" for key, one in sorted(labels))
        if value and name.startswith(prefix):
            found[f"{name}{{{inner}}}"] = value
    return found


@pytest.fixture
def desk(tmp_path: Path) -> CatalogSteps:
    return CatalogSteps(Catalog(tmp_path / "catalog.duckdb", timeout_s=30))


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture(scope="module")
def client(metrics: Metrics) -> Iterator[httpx.Client]:
    app = FastAPI()

    @app.post("/v1/{tenant}/files/{path:path}")
    async def take(request: Request, tenant: str, path: str) -> PlainTextResponse:
        request.state.tenant = tenant
        await request.body()
        return PlainTextResponse(path)

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError

    app.router.routes.append(Route("/metrics", metrics_app(metrics.registry)))
    app.router.routes.append(Mount("/below", metrics_app(metrics.registry)))
    with serving(MetricsMiddleware(app, metrics)) as client:
        yield client


def test_every_series_of_ingest_is_there_at_zero_before_any_request() -> None:
    found = samples(generate_latest(Metrics().registry).decode())
    for name, (operations, results) in INGEST.items():
        for operation in operations or (None,):
            for result in results or (None,):
                given = (("operation", operation), ("result", result))
                labels = frozenset((key, one) for key, one in given if one)
                assert found[name, labels] == 0, (name, labels)
    for result in BOTH:
        assert found["entrepot_upstream_fetches_total", frozenset({("result", result)})] == 0
    for name in ("upstream_coalesced_total", "corrupt_upstream_total", "requests_in_progress"):
        assert found[f"entrepot_{name}", frozenset()] == 0
    bounds = {
        dict(labels)["le"]
        for name, labels in found
        if name == "ingest_storage_operation_duration_seconds_bucket"
    }
    assert {"0.01", "600.0", "+Inf"} <= bounds


def test_a_scrape_is_well_formed(client: httpx.Client) -> None:
    client.post("/v1/ann/files/a", content=b"abc")
    text = client.get("/metrics").text
    helped = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP ")]
    typed = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))
    assert helped == list(typed)
    families: Mapping[str, Metric] = {one.name: one for one in parse(text)}
    for name, kind in typed.items():
        assert name.startswith(("entrepot_", "ingest_"))
        assert name.endswith("_total") == (kind == "counter"), name
        assert kind in ("counter", "gauge", "histogram")
        family = families[name.removesuffix("_total")]
        assert family.documentation.endswith((".", "stale.")), name
    lines = [line.split("{")[0].split()[0] for line in text.splitlines() if line[0] != "#"]
    ends = ("_bucket", "_sum", "_count")
    for name in lines:
        family_name = name
        for end in ends:
            if name not in typed:
                family_name = name.removesuffix(end) if name.endswith(end) else family_name
        assert family_name in typed, name


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "application/openmetrics-text",
        ),
        ("text/plain", "text/plain"),
        ("*/*", "text/plain"),
    ],
)
def test_a_scraper_gets_the_format_that_it_takes(
    client: httpx.Client, accept: str, kind: str
) -> None:
    reply = client.get("/metrics", headers={"Accept": accept})
    assert reply.headers["content-type"].startswith(kind)
    parser = parse_open if "openmetrics" in kind else parse
    assert len(list(parser(reply.text))) > 10
    assert client.get("/below/").status_code == 200
    assert client.post("/metrics").status_code == 405


def test_requests_are_counted_by_route_and_tenant(metrics: Metrics, client: httpx.Client) -> None:
    while "entrepot_requests_in_progress{}" in (before := counts(metrics)):
        time.sleep(0.01)
    for name in ("a", "b/c"):
        client.post(f"/v1/bob/files/{name}", content=b"12345")
    client.request("TRACE", "/v1/bob/files/a")
    client.get("/no/such/path")
    client.get("/broken", headers={"Connection": "close"})  # the server closes it after an error
    while "entrepot_requests_in_progress{}" in (after := counts(metrics)):
        time.sleep(0.01)  # a reply is there before it is counted

    def more(series: str) -> float:
        return after[series] - before.get(series, 0)

    seconds = "entrepot_request_duration_seconds_count"
    template = "route=/v1/{tenant}/files/{path:path}"
    assert more(f"{seconds}{{method=POST,{template},status=200}}") == 2
    assert more(f"{seconds}{{method=other,{template},status=405}}") == 1
    assert more(f"{seconds}{{method=GET,route=other,status=404}}") == 1
    assert more(f"{seconds}{{method=GET,route=/broken,status=500}}") == 1
    assert more("entrepot_bytes_received_total{tenant=bob}") == 10
    assert more("entrepot_bytes_sent_total{tenant=bob}") == 4
    assert more("entrepot_bytes_sent_total{tenant=none}") > 0


def test_what_the_gateway_does_itself_is_counted() -> None:
    metrics = Metrics()
    metrics.count_fetch(Result.SUCCESS)
    metrics.count_fetch(Result.ERROR)
    metrics.count_coalesced()
    metrics.count_corrupt()
    metrics.observe_storage(StorageOperation.STORE, 700)
    found = counts(metrics)
    for name in (
        "entrepot_upstream_fetches_total{result=success}",
        "entrepot_upstream_fetches_total{result=error}",
        "entrepot_upstream_coalesced_total{}",
        "entrepot_corrupt_upstream_total{}",
        "ingest_storage_operation_duration_seconds_bucket{le=+Inf,operation=store}",
    ):
        assert found[name] == 1, name


def test_series_of_tenants_are_bounded() -> None:
    metrics = Metrics()
    names = {metrics._tenant(str(number)) for number in range(TENANTS + 10)}  # pyright: ignore[reportPrivateUsage]
    assert len(names) == TENANTS + 1
    assert "other" in names


def test_what_flows_did_is_told_from_the_catalog(desk: CatalogSteps) -> None:
    catalog = desk.catalog
    files = [file("a", 1), file("b", 20), file("c", 300)]
    plan = desk.plan(files, HERE, THERE)
    catalog.runs.start(Run("one", "sync", source=SOURCE, destinations=(HERE, THERE)))
    desk.carry_out(plan, "one", "c")
    catalog.versions.record("one", plan.plan_id)
    catalog.runs.end("one", "completed", plan_id=plan.plan_id)
    for run_id, kind, state in (
        ("two", "sync", "failed"),
        ("three", "pull", "cancelled"),
        ("four", "apply", "failed"),
        ("five", "prune", "failed"),
        ("six", "sync", "running"),
    ):
        catalog.runs.start(Run(run_id, kind, source=SOURCE, state=state))
    catalog.runs.start(skipped_run("w", "nightly"))
    gone = Outcome(HERE, "d", "d", Action.ADD, Status.STORED, size=1, digest="0" * 64, cleaned=True)
    catalog.runs.record_outcomes("one", plan.plan_id, [gone])

    assert counts(Metrics(catalog), "ingest_") == {
        "ingest_enqueue_attempts_total{result=success}": 1,
        "ingest_enqueue_attempts_total{result=error}": 1,
        "ingest_dequeue_attempts_total{result=success}": 1,
        "ingest_dequeue_attempts_total{result=error}": 1,
        "ingest_client_operations_total{operation=download,result=success}": 3,
        "ingest_client_operations_total{operation=download,result=error}": 1,
        "ingest_client_operations_total{operation=cleanup,result=success}": 1,
        "ingest_storage_operations_total{operation=stat,result=success}": 6,
        "ingest_storage_operations_total{operation=store,result=success}": 5,
        "ingest_storage_operations_total{operation=store,result=error}": 2,
        "ingest_queue_operations_total{operation=publish,result=success}": 1,
        "ingest_queue_operations_total{operation=pop,result=success}": 2,
        "ingest_workflow_instantiation_failures_total{}": 1,
    }


def test_disk_is_told_by_tenant(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    for tenant, sizes in (("ann", (5, 7)), ("bob", (11,))):
        desk = CatalogSteps(Catalog(path, tenant=tenant, timeout_s=30))
        desk.list_source([file("old", 1000)])
        desk.list_source([file(str(size), size) for size in sizes])
    assert counts(Metrics(Catalog(path)), "entrepot_") == {
        "entrepot_stored_bytes{tenant=ann}": 12,
        "entrepot_stored_bytes{tenant=bob}": 11,
        "entrepot_stored_files{tenant=ann}": 2,
        "entrepot_stored_files{tenant=bob}": 1,
        "entrepot_catalog_readable{}": 1,
    }


def told(collector: CatalogCollector) -> dict[str, float]:
    return {
        one.name: one.value
        for metric in collector.collect()
        for one in metric.samples
        if one.name.endswith(("failures_total", "readable"))
    }


def test_the_catalog_is_asked_now_and_then_and_counters_never_fall(desk: CatalogSteps) -> None:
    now = [0.0]
    collector = CatalogCollector(desk.catalog, fresh_s=10, clock=lambda: now[0])
    name = "ingest_workflow_instantiation_failures_total"
    first = skipped_run("w", "nightly")
    desk.catalog.runs.start(first)
    assert told(collector)[name] == 1
    desk.catalog.runs.start(skipped_run("x", "nightly"))
    assert told(collector)[name] == 1
    now[0] = 10
    assert told(collector)[name] == 2
    desk.catalog.runs.start(Run(first.run_id, "forgotten"))
    now[0] = 20
    assert told(collector)[name] == 2
    desk.catalog.path.write_bytes(b"no catalog")
    now[0] = 30
    assert told(collector) == {name: 2, "entrepot_catalog_readable": 0}


def test_a_catalog_that_is_slow_is_asked_less_often(tmp_path: Path) -> None:
    class Slow(Catalog):
        """A catalog that takes a minute, and counts who asks."""

        asked = 0

        def generation(self) -> tuple[int, ...]:
            """Return another one each time."""
            Slow.asked += 1
            now[0] += 60
            return (Slow.asked,)

    now = [0.0]
    collector = CatalogCollector(Slow(tmp_path / "catalog.duckdb"), clock=lambda: now[0])
    for moment, asked in ((0, 1), (60 + 1199, 1), (60 + 1200, 2)):
        now[0] = moment
        assert told(collector)["entrepot_catalog_readable"] == 1
        assert Slow.asked == asked


def test_nothing_is_asked_while_nothing_was_recorded(tmp_path: Path) -> None:
    class Counting(Catalog):
        """A catalog that counts queries."""

        asked = 0

        def sql(self, query: str, params: object = None) -> list[Row]:
            """Count and ask."""
            Counting.asked += 1
            return super().sql(query, params)

    catalog = Counting(tmp_path / "catalog.duckdb")
    catalog.runs.all()
    time.sleep(2 * RACY_NS / 1e9)
    collector = CatalogCollector(catalog, fresh_s=0)
    for _ in range(3):
        assert told(collector)["entrepot_catalog_readable"] == 1
    assert Counting.asked == 1


def test_a_skipped_workflow_is_a_run_that_tells_no_value_of_its_file() -> None:
    run = skipped_run("w", "nightly")
    assert (run.kind, run.state) == (SKIPPED, "failed")
    assert run.message == "the workflow 'w' of 'nightly' was skipped"


def test_the_page_names_every_metric(desk: CatalogSteps) -> None:
    page = PAGE.read_text()
    typed = [
        line.split()[2]
        for line in generate_latest(Metrics(desk.catalog).registry).decode().splitlines()
        if line.startswith("# TYPE ")
    ]
    assert len(typed) > 15
    assert not [name for name in typed if f"`{name}" not in page]
