"""Syncs, restores, prunes, repairs, uploads, writers and readers at once: one history explains all.

A minute in CI, ten by `make soak`, which sets ENTREPOT_SOAK_S.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from tests.catalog import hammer
from tests.flows.sync.test_sync import files
from tests.servers.process import end, free_ports, listens, program, running
from tests.soak.clients import RESOURCES, digest_of, hashed
from tests.soak.history import GET, PUT, READ, Event, explained, kept, read_events

LASTS_S = float(os.environ.get("ENTREPOT_SOAK_S", "40"))
ROOT = Path(__file__).parents[2]
WRITERS, READERS = 8, 3
CLIENTS = [
    ("sync", "sync-a"),
    ("sync", "sync-b"),
    ("restore", "restore"),
    ("keep", "keep"),
    *(("read", f"read-{number}") for number in range(READERS)),
    *(("write", f"write-{number}") for number in range(WRITERS)),
    *(("put", f"put-{number}") for number in range(RESOURCES)),
]
pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.timeout(int(LASTS_S) + 900),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the folder that all clients share, with a catalog of its own."""
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    (tmp_path / "events").mkdir()
    (tmp_path / "logs").mkdir()
    return tmp_path


@pytest.fixture
def gateway(folder: Path) -> Iterator[None]:
    """Run a gateway over that catalog, for whoever uploads."""
    (port,) = free_ports(1)
    (folder / "gateway").write_text(f"http://127.0.0.1:{port}")
    words = ("gateway", "--port", str(port))
    log = folder / "logs" / "gateway.log"
    with running([program("entrepot"), *words], lambda: listens(port), log=log, start_s=240):
        yield


def start(folder: Path, stack: ExitStack, role: str, name: str) -> subprocess.Popen[bytes]:
    """Start one client."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    log = stack.enter_context((folder / "logs" / f"{name}.log").open("wb"))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak.clients", role, name, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())},
        stdout=log,
        stderr=log,
    )


@pytest.mark.usefixtures("gateway")
@pytest.mark.slow
def test_one_history_explains_what_all_of_them_did_and_saw(folder: Path) -> None:
    address = f"file://{folder}/end"
    with ExitStack() as stack:
        clients = [start(folder, stack, *one) for one in CLIENTS]
        for one in clients:
            stack.callback(end, one, signal.SIGKILL)
        over, often = time.monotonic() + LASTS_S, False
        while time.monotonic() < over or not often:
            assert all(one.poll() is None for one in clients), logs(folder)
            events = read_events(folder / "events")
            # On a busy machine it lasts until each did its work a few times.
            often = {one.who for one in events if enough(events, one.who)} == {
                name for _, name in CLIENTS
            }
            time.sleep(1)
        (folder / "stop").touch()
        codes = [one.wait() for one in clients]
    assert set(codes) == {0}, logs(folder)

    catalog, events = Catalog.open(), read_events(folder / "events")
    versions = {
        one.number: digest_of(
            {row.path: row.digest or "" for row in catalog.versions.content(address, one.number)}
        )
        for one in catalog.versions.all(address)
    }
    assert explained(events, versions) == []
    assert versions[max(versions)] == digest_of(hashed(files(folder / "end")))
    assert catalog.maintenance.audit()
    assert kept(events, uploaded(catalog)) == []
    acknowledged = {one.name for one in events if one.kind == "order" and not one.error}
    orders: dict[str, int] = dict(
        catalog.sql(
            "SELECT regexp_replace(path, '/[0-9]+$', ''), count(*) FROM outcomes "
            "WHERE path LIKE 'write-%' GROUP BY 1"
        )
    )
    assert orders == dict.fromkeys(acknowledged, hammer.ROWS)


def enough(events: list[Event], who: str) -> bool:
    """Say whether a client has done its work a few times."""
    return sum(one.who == who for one in events) >= 2


def logs(folder: Path) -> str:
    """Return what the clients printed, and which of them failed."""
    every = sorted((folder / "logs").glob("*.log"))
    return "\n".join(
        f"--- {one.name}\n{one.read_text()[-2000:]}" for one in every if one.stat().st_size
    )


def uploaded(catalog: Catalog) -> dict[tuple[str, int], str]:
    """Return the digest of what is stored of each version of each resource, from its bytes."""
    found: dict[tuple[str, int], str] = {}
    for number in range(RESOURCES):
        for one in catalog.resources.versions(f"r{number}"):
            stored = Path((one.address or "").removeprefix("file://")) / (one.path or "")
            found[one.name, one.version] = hashlib.sha256(stored.read_bytes()).hexdigest()
    return found


STORED = {0: "", 1: "a", 2: "b", 3: "a"}
WELL = [
    Event("sync", "a", 0, 2, number=1, made=True, digest="a"),
    Event("sync", "b", 1, 4, number=2, made=True, digest="b"),
    Event("restore", "c", 5, 6, number=3, made=True, base=1),
    Event("sync", "a", 7, 8, number=3, digest="a"),
    Event(READ, "r", 3, 5, number=1, digest="a"),
    Event(READ, "r", 4.5, 5, number=2, digest="b"),
]


@pytest.mark.parametrize(
    ("events", "versions", "why"),
    [
        (WELL, STORED, None),
        (WELL[1:], STORED, "nobody made version 1"),
        (WELL, {0: "", 1: "a", 2: "b"}, "version 3 is lost"),
        (WELL, STORED | {2: "b and half of a"}, "version 2 is not what was meant"),
        ([*WELL, replace(WELL[0], who="d")], STORED, "was acknowledged to two"),
        ([replace(WELL[0], began=5, ended=5.5), *WELL[1:]], STORED, "was over before version 1"),
        ([*WELL, Event(READ, "r", 7, 8, number=1, digest="a")], STORED, "was not the latest"),
        ([*WELL, Event(READ, "r", 0, 0.5, number=2, digest="b")], STORED, "was not the latest"),
        ([*WELL, Event(READ, "r", 4, 5, number=2, digest="ab")], STORED, "another version 2"),
        ([*WELL, Event("sync", "d", 7, 8, number=3, digest="b")], STORED, "nothing like it stood"),
        ([*WELL, Event("prune", "k", 1, 2, error="E: no")], STORED, "prune failed: E: no"),
    ],
)
def test_the_checker_tells_what_no_order_explains(
    events: list[Event], versions: dict[int, str], why: str | None
) -> None:
    found = explained(events, versions)
    assert any(why in one for one in found) if why else not found


PUTS = [
    Event(PUT, "p", 0, 1, number=0, digest="x", name="r"),
    Event(PUT, "p", 2, 4, number=1, digest="y", name="r"),
]


@pytest.mark.parametrize(
    ("events", "stored", "why"),
    [
        (PUTS, {("r", 0): "x", ("r", 1): "y"}, None),
        (PUTS, {("r", 0): "x"}, "version 1 is lost"),
        (PUTS, {("r", 0): "x", ("r", 1): "x"}, "version 1 is lost or another"),
        ([*PUTS, Event(GET, "g", 3, 3.5, digest="x", name="r")], None, None),
        ([*PUTS, Event(GET, "g", 3, 3.5, digest="y", name="r")], None, None),
        ([*PUTS, Event(GET, "g", 5, 6, digest="x", name="r")], None, "was read, or what nobody"),
        ([*PUTS, Event(GET, "g", 5, 6, digest="z", name="r")], None, "was read, or what nobody"),
        ([*PUTS, Event(GET, "g", 1, 1.5, digest="y", name="r")], None, "was read, or what nobody"),
    ],
)
def test_the_checker_tells_what_became_of_uploads(
    events: list[Event], stored: dict[tuple[str, int], str] | None, why: str | None
) -> None:
    found = kept(events, stored or {("r", 0): "x", ("r", 1): "y"})
    assert any(why in one for one in found) if why else not found
