"""Uploads that fail midway: clients leave, gateways are killed, the catalog is busy."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from catalog.store.lock import CatalogLock, Hold
from tests.gateway.conftest import Running, serving
from tests.gateway.killable_process import gateway_process
from tests.gateway.upload_folders import (
    RESOURCES,
    files_below,
    got,
    kind_of,
    left,
    path_of,
    put,
    versions,
)

MIB = 2**20


def beside(folder: Path) -> Path:
    """Return what lies beside the catalog of a gateway."""
    return folder / "catalog" / "catalog.duckdb.d"


def slowly(proceed: threading.Event) -> Iterator[bytes]:
    """Yield a body of 8 MiB whose second half waits until the test proceeds."""
    for _ in range(4):
        yield bytes(MIB)
    proceed.wait(120)
    for _ in range(4):
        yield bytes(MIB)


@contextmanager
def uploading(
    running: Running, name: str
) -> Generator[tuple[threading.Event, list[httpx.Response]]]:
    """Upload in a thread; the block runs while the upload is half done."""
    proceed, replies = threading.Event(), list[httpx.Response]()

    def upload() -> None:
        with httpx.Client(base_url=running.url, timeout=60) as client:
            body = slowly(proceed)
            replies.append(client.put(path_of("upload", name), content=body))

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        until(lambda: files_below(beside(running.folder) / "claims"))
        yield proceed, replies
    finally:
        proceed.set()
        thread.join(60)


def until(found: object, seconds: float = 120) -> None:
    """Wait until a function returns something."""
    assert callable(found)
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def swept(running: Running) -> None:
    """Do what the gateway does now and then."""
    for tenant in running.application.gateway.tenants:
        tenant.store().sweep()


@pytest.mark.parametrize("form", [False, True], ids=["body", "form"])
def test_a_client_that_leaves_leaves_nothing(running: Running, *, form: bool) -> None:
    host, _, port = running.url.removeprefix("http://").partition(":")
    head = (
        f"PUT {path_of('upload', 'a')} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {9 * MIB}\r\n"
    )
    start = b""
    if form:
        head += "Content-Type: multipart/form-data; boundary=b\r\n"
        start = b'--b\r\nContent-Disposition: form-data; name="input"; filename="x"\r\n\r\n'
    with socket.create_connection((host, int(port))) as one:
        one.sendall(f"{head}\r\n".encode() + start + bytes(3 * MIB))
        until(lambda: files_below(beside(running.folder) / "resources"))
    until(lambda: not left(running.client, running.folder))
    assert put(running.client, "a", b"x")["version"] == "0"


def test_a_number_that_another_upload_made_unusable_leaves_nothing(running: Running) -> None:
    with uploading(running, "a") as (proceed, replies):
        assert put(running.client, "a", b"x")["version"] == "1"
        running.client.delete(path_of("delete", "a"))
        proceed.set()
    (reply,) = replies
    assert (reply.status_code, kind_of(reply)) == (409, "ContentConflict")
    assert left(running.client, running.folder) == []


def test_a_slow_upload_keeps_its_number(running: Running) -> None:
    with uploading(running, "a") as (proceed, replies):
        assert put(running.client, "a", b"x")["version"] == "1"
        assert got(running.client, "a") == b"x"
        proceed.set()
    assert replies[0].json()["metadata"][0]["version"] == "0"
    assert versions(running.client, "a") == [0, 1]
    assert got(running.client, "a") == b"x"


def test_a_catalog_that_is_busy_leaves_bytes_and_metadata_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_CATALOG_TIMEOUT_S", "0.5")
    with serving(tmp_path) as running:
        assert versions(running.client, "a") == []
        busy = CatalogLock(beside(tmp_path), 30)
        with uploading(running, "a") as (proceed, replies), busy.hold(Hold.ALONE):
            proceed.set()
            until(lambda: replies)
            assert replies[0].status_code == 503
            begun = running.client.put(path_of("upload", "b"), content=b"x")
            assert begun.status_code == 503
        swept(running)
        # Handed over before it was refused: it may come later, but never by halves.
        stored = files_below(beside(tmp_path) / "resources")
        assert stored == [f"mytenant/{n}/a" for n in versions(running.client, "a")]
        assert files_below(beside(tmp_path) / "claims") == []
        assert put(running.client, "b", b"x")["version"] == "0"


def test_one_tenant_s_sweep_leaves_the_others_claims_to_them(tmp_path: Path) -> None:
    tenants: dict[str, dict[str, object]] = {
        one: {"repositories": {}} for one in ("mytenant", "other")
    }
    with serving(tmp_path, tenants=tenants) as running:
        with uploading(running, "a") as (proceed, _):
            claims = beside(tmp_path) / "claims"
            (claim,) = claims.iterdir()
            dead = claim.read_bytes()
            proceed.set()
        claim.write_bytes(dead.replace(b'"version": 0', b'"version": 7'))  # as a kill leaves it
        mine, other = running.application.gateway.tenants
        other.store().sweep()
        assert claim.exists()
        mine.store().sweep()
        assert not claim.exists()
        assert versions(running.client, "a") == [0]


def test_a_killed_gateway_has_every_upload_that_it_acknowledged_and_no_half(tmp_path: Path) -> None:
    told: dict[tuple[str, int], str] = {}

    def upload(client: httpx.Client, worker: int) -> None:
        drawn = random.Random(worker)  # noqa: S311 - contents
        while True:
            data = drawn.randbytes(drawn.choice((100, 300_000, 4 * MIB)))
            try:
                made = client.put(path_of("upload", f"d/{worker % 3}"), content=data)
            except httpx.HTTPError:
                return
            if made.status_code == 201:
                (one,) = made.json()["metadata"]
                told[one["name"], int(one["version"])] = hashlib.sha256(data).hexdigest()

    for _ in range(2):
        with gateway_process(tmp_path) as gateway:
            count = len(told)
            threads = [
                threading.Thread(target=upload, args=(gateway.client, n), daemon=True)
                for n in range(8)
            ]
            for one in threads:
                one.start()
            until(lambda goal=count + 20: len(told) > goal, 60)
            gateway.kill()
            for one in threads:
                one.join(120)
    for claim in (beside(tmp_path) / "claims").iterdir():
        os.utime(claim, (0, 0))  # an empty one is spared for a minute: it may just begin
    with serving(tmp_path) as running:
        swept(running)
        next(iter(running.application.gateway.tenants)).store().sweep_temporary(older_than_s=0)
        reply = running.client.get(f"{RESOURCES}/list", params={"every_version": True})
        listed = {(one["name"], one["version"]): one for one in reply.json()["metadata"]}
        assert set(told) <= set(listed)
        for (name, version), one in listed.items():
            data = got(running.client, name, version=version)
            found = hashlib.sha256(data).hexdigest()
            assert found == one["digests"]["sha256"] == told.get((name, version), found)
        stored = files_below(beside(tmp_path) / "resources")
        assert stored == sorted(f"mytenant/d/{n}/{name[2:]}" for name, n in listed)
        assert files_below(beside(tmp_path) / "claims") == []
