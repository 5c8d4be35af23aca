"""kill -9 of what runs for long: the gateway amid uploads, and whoever folds the catalog.

Nothing that was acknowledged is lost, what is there is whole, and the catalog agrees with itself.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.context import ForkServerContext
from pathlib import Path

import httpx
import pytest

from catalog.catalog import Catalog
from catalog.settings import Settings
from tests.catalog import hammer
from tests.faults.results import note
from tests.servers.process import end, free_ports, listens, program, running

SOAKS = "ENTREPOT_SOAK_S" in os.environ
GATEWAYS, FOLDERS, WRITERS = (30, 70, 50) if SOAKS else (2, 6, 4)
pytestmark = [pytest.mark.timeout(5400), pytest.mark.xdist_group("server kills")]


class Uploader(threading.Thread):
    """Uploads the next version of one resource over and over, and notes what was acknowledged."""

    def __init__(self, url: str, name: str, told: dict[tuple[str, int], str]) -> None:
        """Upload as `name`; `told` gets the digest of each version."""
        super().__init__(daemon=True)
        self._url, self._name, self._told = url, name, told
        self.over = threading.Event()

    def run(self) -> None:
        """Upload until nobody answers any more."""
        dice = random.Random(self._name)  # noqa: S311 - sizes
        with httpx.Client(timeout=60) as client:
            while not self.over.is_set():
                data = dice.randbytes(dice.choice((50, 5_000, 300_000)))
                try:
                    reply = client.put(f"{self._url}/upload/{self._name}", content=data)
                except httpx.HTTPError:
                    return  # it was killed
                if reply.status_code in (200, 201):
                    (stored,) = reply.json()["metadata"]
                    digest = hashlib.sha256(data).hexdigest()
                    self._told[self._name, int(stored["version"])] = digest


def test_a_killed_gateway_loses_no_upload_that_it_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "catalog" / "catalog.duckdb"
    monkeypatch.setenv("ENTREPOT_CATALOG", str(file))
    told: dict[tuple[str, int], str] = {}
    dice = random.Random(3)  # noqa: S311 - when to kill
    for number in range(GATEWAYS + 1):
        (port,) = free_ports(1)
        words = ("gateway", "--port", str(port))
        log = tmp_path / f"gateway-{number}.log"
        last = number == GATEWAYS
        with running(
            [program("entrepot"), *words], partial(listens, port), log=log, start_s=900
        ) as process:
            url = f"http://127.0.0.1:{port}/v1/default/resources"
            if last:
                assert_all_there(url, told)
                break
            uploaders = [Uploader(url, f"r{one}", told) for one in range(3)]
            for one in uploaders:
                one.start()
            before = len(told)
            while len(told) < before + dice.randint(1, 9):
                assert process.poll() is None, log.read_text()[-3000:]
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            for one in uploaders:
                one.over.set()
                one.join()
            end(process)
    catalog = Catalog.open(Settings(catalog=file))
    assert catalog.maintenance.audit(), catalog.maintenance.audit()
    note({"kills": "gateway", "count": GATEWAYS, "runs": len(told)})


def assert_all_there(url: str, told: dict[tuple[str, int], str]) -> None:
    """Download each version that was acknowledged, and compare its digest."""
    with httpx.Client(timeout=60) as client:
        for (name, version), digest in told.items():
            reply = client.get(f"{url}/download/{name}", params={"version": version})
            assert reply.status_code == 200, (name, version, reply.text)
            assert hashlib.sha256(reply.content).hexdigest() == digest, (name, version)


@pytest.fixture
def processes() -> Iterator[ForkServerContext]:
    """Return a server of processes that have imported the catalog and opened nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["polars", "tests.catalog.hammer"])
    yield context
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


@pytest.mark.parametrize(
    ("kind", "work", "kills"),
    [("coordinator", hammer.apply, FOLDERS), ("writer", hammer.write, WRITERS)],
)
def test_killed_while_it_writes_or_folds_the_catalog_keeps_what_it_acknowledged(
    processes: ForkServerContext, tmp_path: Path, kind: str, work: object, kills: int
) -> None:
    path, notes = tmp_path / "catalog.duckdb", tmp_path / "acknowledged"
    catalog = Catalog(path)
    catalog.flush()
    notes.touch()
    dice = random.Random(kind)  # noqa: S311 - when to kill
    for number in range(kills):
        before = notes.stat().st_size
        one = processes.Process(target=work, args=(path, f"life-{number}", notes), daemon=True)  # type: ignore[arg-type]
        one.start()
        while notes.stat().st_size == before:
            assert one.is_alive()
            time.sleep(0.001)
        time.sleep(dice.uniform(0, 0.15))
        one.kill()
        one.join()
    catalog.flush()
    stored: dict[str, int] = dict(
        catalog.sql(
            "SELECT regexp_replace(path, '/[0-9]+$', ''), count(*) FROM outcomes GROUP BY 1"
        )
    )
    assert set(notes.read_text().split()) - set(stored) == set()
    assert set(stored.values()) == {hammer.ROWS}
    assert catalog.maintenance.audit(), catalog.maintenance.audit()
    note({"kills": kind, "count": kills, "runs": len(stored)})
