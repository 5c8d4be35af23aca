"""Killed at any point, the next run finishes the job and repeats nothing that was recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.model.digest import Digest
from providers.interfaces.history import HISTORY, history_key
from tests.flows.sync.test_sync import files
from tests.servers.faulty import FaultyServer, stall
from tests.servers.seaweedfs import S3Server
from transfer.large.parts_journal import PART

COUNT = 400
BATCH = 50
DATA = {f"d{number % 5}/f{number:03}": bytes([number % 256]) * 3000 for number in range(COUNT)}


def start(url: str, end: Path | str, *more: str) -> subprocess.Popen[bytes]:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - imports Prefect

    environment = {
        **os.environ,
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "ENTREPOT_BATCH_COUNT": str(BATCH),
        "ENTREPOT_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.flows.killed", url, str(end), *more],
        env=environment,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_when(process: subprocess.Popen[bytes], moment: Callable[[], bool]) -> None:
    """Kill the process as soon as `moment` has come; it must not end before."""
    deadline = time.monotonic() + 240
    while not moment():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    "moment", ["listed", "reading", "writing", "one batch recorded", "nearly done"]
)
def test_a_killed_run_is_finished_by_the_next(
    faulty_server: FaultyServer, tmp_path: Path, catalog: Catalog, moment: str
) -> None:
    end = tmp_path / "end"
    faulty_server.files |= {f"/{name}": data for name, data in DATA.items()}
    lines = [f"{name},{Digest.of(data).value},{len(data)}" for name, data in DATA.items()]
    faulty_server.files["/PULP_MANIFEST"] = "\n".join(lines).encode()
    url = f"{faulty_server.url}/PULP_MANIFEST"
    last = f"/{max(DATA)}"
    faulty_server.script(last, *(stall(600) for _ in range(9)))  # it cannot end before it is killed
    inbox = catalog.path.with_name(catalog.path.name + ".d") / "inbox"

    def fetched() -> int:
        return sum(count for path, count in faulty_server.requests.items() if "/f" in path)

    def written() -> int:
        return sum(1 for _ in end.glob("d*/f*"))

    moments: dict[str, Callable[[], bool]] = {
        "listed": lambda: faulty_server.requests["/PULP_MANIFEST"] > 0,
        "reading": lambda: fetched() > BATCH // 2,
        "writing": lambda: written() > BATCH // 2,
        "one batch recorded": lambda: any(inbox.glob("*.parquet")),
        "nearly done": lambda: written() >= COUNT - BATCH,  # all but the batch that cannot end
    }
    kill_when(start(url, end), moments[moment])
    faulty_server.unscript()
    assert all(DATA[name] == data for name, data in files(end).items()) if end.exists() else True
    recorded = {
        str(path) for (path,) in catalog.sql("SELECT path FROM outcomes WHERE status = 'stored'")
    }
    before = dict(faulty_server.requests)
    assert start(url, end).wait(timeout=120) == 0
    assert files(end) == DATA
    again = {path for path, count in faulty_server.requests.items() if count > before.get(path, 0)}
    assert not {f"/{name}" for name in recorded} & again
    assert catalog.versions.latest(f"file://{end}").total == COUNT
    if moment == "nearly done":
        assert recorded


def publish(server: FaultyServer, data: dict[str, bytes]) -> str:
    """Let the server hold just these files, and return what to sync from."""
    server.files = {f"/{name}": body for name, body in data.items()}
    lines = [f"{name},{Digest.of(body).value},{len(body)}" for name, body in data.items()]
    server.files["/PULP_MANIFEST"] = "\n".join(lines).encode()
    return f"{server.url}/PULP_MANIFEST"


def key_of(data: bytes) -> str:
    return history_key(Digest.of(data).value)


def test_a_run_killed_between_keeping_and_writing_loses_no_old_version(
    faulty_server: FaultyServer, tmp_path: Path, catalog: Catalog
) -> None:
    end, after = tmp_path / "end", BATCH + BATCH // 2
    old = {name: data + b"old" for name, data in list(DATA.items())[: 2 * BATCH]}
    new = {name: data + b"new" for name, data in old.items()}
    assert start(publish(faulty_server, old), end).wait(timeout=120) == 0
    url = publish(faulty_server, new)
    assert start(url, end, str(after)).wait(timeout=120) == -signal.SIGKILL
    there = files(end)
    assert set(there) == set(old)
    assert all(data in (old[name], new[name]) for name, data in there.items())
    kept = {name for name, data in old.items() if (end / HISTORY / key_of(data)).exists()}
    assert after <= len(kept) < len(old)  # the other batch may have kept one meanwhile
    assert any(there[name] == old[name] for name in kept)
    assert start(url, end).wait(timeout=120) == 0
    assert files(end) == new
    history = end / HISTORY
    for data in old.values():
        assert (history / key_of(data)).read_bytes() == data
        places = [
            (one.address, one.path) for one in catalog.holdings.locations(Digest.of(data).value)
        ]
        assert (f"file://{history}", key_of(data)) in places


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_a_run_killed_within_a_large_file_is_gone_on_with_from_there(
    faulty_server: FaultyServer,
    tmp_path: Path,
    catalog: Catalog,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    data = os.urandom(8 * PART + 5)
    place, read = str(tmp_path / "end"), (tmp_path / "end/large").read_bytes
    if kind == "bucket":
        server: S3Server = request.getfixturevalue("s3_server")
        server.make_bucket("killed")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        place = f"s3+{server.endpoint}/killed"
        read = lambda: bytes(server.store("killed").get("large").bytes())  # noqa: E731
    monkeypatch.setenv("ENTREPOT_RESUME_FROM", str(2**20))
    url = publish(faulty_server, {"large": data})
    faulty_server.script("/large", stall(600, after=5 * PART + 7))
    parts = catalog.folder / "parts"

    def five_parts_came() -> bool:
        return any(len(one.read_bytes().splitlines()) > 5 for one in parts.glob("*.json"))

    kill_when(start(url, place), five_parts_came)
    faulty_server.unscript()
    faulty_server.seen.clear()
    assert start(url, place).wait(timeout=240) == 0

    assert read() == data
    asked = [one.headers.get("Range") for one in faulty_server.seen if one.path == "/large"]
    assert asked == [None, f"bytes={5 * PART}-"]  # the first is closed when its head came
    assert list(parts.iterdir()) == []
