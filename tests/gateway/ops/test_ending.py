"""How a gateway ends: by SIGTERM with what is under way, by SIGKILL with nothing half stored."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.gateway.mirror_gateway import TENANT, publish
from tests.servers.faulty import FaultyServer, slowly
from tests.servers.process import end, free_ports, listens, program, running

BIG = os.urandom(2_000_000)
DATA = {"big": BIG, "small": b"s"}
pytestmark = pytest.mark.usefixtures("prefect_server")


@dataclass(frozen=True, slots=True)
class Command:
    """`entrepot gateway` as a process."""

    process: subprocess.Popen[bytes]
    client: httpx.Client


@contextmanager
def command(folder: Path, shelf: Path) -> Generator[Command]:
    """Run it as an operator does."""
    (port,) = free_ports(1)
    config = folder / "gateway.yaml"
    config.write_text(f"tenants: {{{TENANT}: {{repositories: {{web: {shelf}/}}}}}}\n")
    words = ("gateway", "--config", str(config), "--port", str(port))
    with (
        running(
            [program("entrepot"), *words], lambda: listens(port), log=folder / "gateway.log"
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield Command(process, client)


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[FaultyServer]:
    """A source whose files the shelf lists on demand."""
    from flows.sync import sync  # noqa: PLC0415 - it loads Prefect

    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_TENANT", TENANT)
    with FaultyServer() as server:
        sync(publish(server, DATA), [str(tmp_path / "shelf")], policy="on_demand")
        yield server


def left(folder: Path) -> list[str]:
    """Return what is half stored, or waits to be."""
    beside = folder / "catalog" / "catalog.duckdb.d"
    every = [*(beside / "fetched").glob("*"), *(beside / "claims").glob("*")]
    return [one.name for one in (*every, *folder.glob("shelf/.entrepot/tmp/*"))]


def test_sigterm_lets_what_is_under_way_finish(upstream: FaultyServer, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    with command(tmp_path, shelf) as gateway:
        upstream.script("/big", slowly(1_000_000))
        url = f"/content/{TENANT}/web/big"
        with gateway.client.stream("GET", url) as reply:
            chunks = reply.iter_raw(1000)
            first = next(chunks)
            gateway.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{gateway.client.base_url}/healthz")
            assert first + b"".join(chunks) == BIG
        assert gateway.process.wait(120) == -signal.SIGTERM
    assert (shelf / "big").read_bytes() == BIG  # what had arrived was kept, too
    assert not left(tmp_path)
    log = (tmp_path / "gateway.log").read_text()
    assert '"tenant": "mytenant"' in log
    assert "Traceback" not in log


@pytest.mark.parametrize("after_s", [0.05, 0.3, 0.6, 1.0, 1.6])
def test_a_killed_gateway_leaves_nothing_half_stored(
    upstream: FaultyServer, tmp_path: Path, after_s: float
) -> None:
    shelf = tmp_path / "shelf"
    with command(tmp_path, shelf) as gateway:
        upstream.script("/big", slowly(2_000_000))

        def ask(path: str) -> None:
            try:
                gateway.client.get(f"/content/{TENANT}/web/{path}")
            except httpx.TransportError:
                return

        def put() -> None:
            try:
                gateway.client.put(f"/v1/{TENANT}/resources/upload/mine", content=BIG)
            except httpx.TransportError:
                return

        threads = [threading.Thread(target=ask, args=(path,)) for path in DATA]
        threads.append(threading.Thread(target=put))
        for one in threads:
            one.start()
        time.sleep(after_s)
        end(gateway.process, signal.SIGKILL)
        for one in threads:
            one.join(120)
    for name, data in DATA.items():
        assert not (shelf / name).exists() or (shelf / name).read_bytes() == data
    with command(tmp_path, shelf) as gateway:
        for name, data in DATA.items():
            assert gateway.client.get(f"/content/{TENANT}/web/{name}").content == data
        told = gateway.client.get(f"/v1/{TENANT}/resources/download/mine")
        assert (told.status_code, told.content) in ((200, BIG), (404, told.content))
        deadline = time.monotonic() + 120
        while left(tmp_path) or not (shelf / "big").exists():
            assert time.monotonic() < deadline, left(tmp_path)
            time.sleep(0.1)
        stored = tmp_path / "catalog" / "catalog.duckdb.d" / "resources" / TENANT
        files = [
            one
            for one in stored.rglob("*")
            if one.is_file() and ".entrepot" not in one.parts  # hidden, until it is a day old
        ]
        assert len(files) == (told.status_code == 200)
    assert {name: (shelf / name).read_bytes() for name in DATA} == DATA
