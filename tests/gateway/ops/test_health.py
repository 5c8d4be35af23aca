"""Alive is one thing, ready another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from starlette.applications import Starlette

from catalog.catalog import Catalog
from catalog.catalog_file import CatalogFile
from catalog.model.run import Run
from catalog.queries.runs import Runs
from catalog.store.lock import CatalogLock, Hold
from gateway.ops.health import (
    Draining,
    Readiness,
    ReadinessState,
    free_bytes,
    health_routes,
    not_ready_reasons,
)
from tests.gateway.serving import serving

WELL = ReadinessState(draining=False, catalog=None, free=2**40)


class StuckRuns(Runs):
    """Runs that are told when they are let."""

    def __init__(self, file: CatalogFile) -> None:
        """Begin without answers."""
        super().__init__(file)
        self.let, self.asked = Event(), 0

    def all(self, limit: int | None = None) -> list[Run]:
        """Return the runs, once it is let."""
        self.asked += 1
        assert self.let.wait(120)
        return super().all(limit)


class Stuck(Catalog):
    """A catalog that answers when it is let."""

    def __init__(self, path: Path) -> None:
        """Begin without answers."""
        super().__init__(path)
        self.runs = self.stuck = StuckRuns(self.file)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.duckdb", timeout_s=0.2)


def test_readiness_is_decided_by_what_was_found() -> None:
    assert not_ready_reasons(WELL) == ()
    bad = ReadinessState(draining=True, catalog="it is gone", free=1)
    assert not_ready_reasons(bad, 2) == (
        "the gateway is shutting down",
        "it is gone",
        "the catalog's disk has 1 bytes free, and needs 2",
    )


def test_a_gateway_is_ready_until_it_drains(catalog: Catalog) -> None:
    draining = Draining()
    with serving(Starlette(routes=health_routes(Readiness(catalog, draining)))) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
        draining.begin()
        ready = client.get("/readyz")
        told = {"status": "not ready", "reasons": ["the gateway is shutting down"]}
        assert (ready.status_code, ready.json()) == (503, told)
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.post("/healthz").status_code == 405


def broken(catalog: Catalog) -> Callable[[], object]:
    catalog.path.write_bytes(b"no catalog")
    return lambda: None


def locked(catalog: Catalog) -> Callable[[], object]:
    held = CatalogLock(catalog.path.with_name(catalog.path.name + ".d"), 1).hold(Hold.ALONE)
    held.__enter__()
    return lambda: held.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(broken, "CatalogUnavailable"), (locked, "CatalogTimeout")],
    ids=["broken", "locked"],
)
def test_a_catalog_that_cannot_be_read_is_told_without_its_path(
    catalog: Catalog, spoil: Callable[[Catalog], Callable[[], object]], why: str
) -> None:
    if spoil is locked:
        catalog.runs.all(1)  # it is made
    mend = spoil(catalog)
    try:
        with serving(Starlette(routes=health_routes(Readiness(catalog, Draining())))) as client:
            reply = client.get("/readyz")
            assert reply.status_code == 503
            assert reply.json()["reasons"] == [f"the catalog cannot be read: {why}"]
            assert client.get("/healthz").status_code == 200
    finally:
        mend()


def test_a_catalog_that_hangs_is_read_by_one_at_a_time(tmp_path: Path) -> None:
    catalog = Stuck(tmp_path / "catalog.duckdb")

    async def ask() -> None:
        readiness = Readiness(catalog, Draining(), read_s=0.01)
        for _ in range(3):
            assert await readiness.not_ready_reasons() == (
                "the catalog could not be read within 0.01 s",
            )
        assert catalog.stuck.asked == 1
        catalog.stuck.let.set()
        while await readiness.not_ready_reasons():
            pass

    asyncio.run(ask())


def test_a_full_disk_is_not_ready(catalog: Catalog) -> None:
    readiness = Readiness(catalog, Draining(), least_free=100, free=lambda _: 99)
    assert asyncio.run(readiness.not_ready_reasons()) == (
        "the catalog's disk has 99 bytes free, and needs 100",
    )


def test_room_is_looked_for_where_the_catalog_will_be(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet" / "catalog.duckdb") > 0
