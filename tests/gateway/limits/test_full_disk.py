"""A catalog whose disk is full answers 507, one that is read-only still reads: a real gateway."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.catalog import Catalog
from tests.catalog.catalog_steps import CatalogSteps, file
from tests.gateway.cli_process import TENANT, Gateway, catalog_of, gateway
from tests.gateway.limits.test_query_budget import fill

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a file system"),
]
BASE = f"/v1/{TENANT}/resources"
MIB = 2**20
THERE = {"tenants": {TENANT: {"repositories": {"here": "s3://here"}}}}


@contextmanager
def small_disk(folder: Path, mib: int) -> Generator[Path]:
    """Mount a file system of so many MiB while the block lasts."""
    folder.mkdir(parents=True)
    size = f"size={mib}m"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=False)
    if made.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def remount(folder: Path, how: str) -> None:
    """Let nothing be written there from now on (`ro`), or again (`rw`)."""
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)


def filled_up(folder: Path) -> Path:
    """Leave no byte of a file system free, and return the file that does it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as out:
        for size in (MIB, 4096, 1):
            try:
                while True:
                    out.write(b"\x00" * size)
            except OSError:
                continue
    return ballast


def problem(reply: httpx.Response) -> tuple[int, str, str]:
    """Return the status of an error, and its kind and message, which are JSON."""
    error: dict[str, Any] = reply.json()["error"]
    return reply.status_code, error["kind"], error["message"]


def writes(client: httpx.Client) -> Iterator[httpx.Response]:
    """Try to change something, in every way that there is without a body of any size."""
    yield client.put(f"{BASE}/upload/new", content=b"x")
    yield client.post(f"{BASE}/copy/kept", params={"to": "copied"})
    yield client.post(f"{BASE}/move/kept", params={"to": "moved"})
    yield client.delete(f"{BASE}/delete/kept")
    yield client.put(f"{BASE}/metadata/kept", json={"properties": {"a": "b"}})
    yield client.post(f"{BASE}/uploads", json={"name": "chunked", "size": 1})
    yield client.put(f"/v1/{TENANT}/repositories/here/versions/1/labels", json={"labels": {}})


def reads(client: httpx.Client) -> None:
    """Ask for everything that was there, and find it."""
    assert client.get(f"{BASE}/download/kept").content == b"kept"
    for query in ("", "?where=size >= 0", "?properties=of=test", "?every_version=true"):
        listed = client.get(f"{BASE}/list{query}")
        assert [one["name"] for one in listed.json()["metadata"]] == ["kept"], listed.text
    assert client.get(f"{BASE}/versions/kept").status_code == 200
    versions = f"/v1/{TENANT}/repositories/here/versions"
    assert client.get(f"{versions}/1/content").json()["content"][0]["path"] == "a"
    lines = client.get(f"{versions}/1/content", headers={"Accept": "application/x-ndjson"})
    assert '"path": "a"' in lines.text
    assert client.get(f"{versions}/1/manifest").text.startswith("a,")
    assert client.get(f"/content/{TENANT}/here/").status_code == 200
    for page in ("", "resources", "runs", "repositories/here/"):
        assert client.get(f"/browse/{TENANT}/{page}").status_code == 200
    assert client.get("/metrics").status_code == 200
    assert client.get("/healthz").status_code == 200


def begin(folder: Path) -> Catalog:
    """Put something into a catalog that a gateway will serve."""
    catalog = catalog_of(folder)
    desk = CatalogSteps(catalog)
    desk.sync([file("a")])
    return catalog


@contextmanager
def served(place: Path, disk: Path) -> Generator[Gateway]:
    """Run a gateway whose catalog lies on a disk of its own, and no other file of it."""
    environment = {
        "ENTREPOT_CATALOG": str(disk / "catalog" / "catalog.duckdb"),
        "PREFECT_HOME": str(place / "prefect"),
    }
    with gateway(place, environment=environment, **THERE) as found:
        yield found


def test_a_catalog_without_room_answers_507_and_goes_on_with_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 48) as disk:
        begin(disk)
        with served(tmp_path, disk) as one:
            kept = one.client.put(f"{BASE}/upload/kept?properties=of=test", content=b"kept")
            assert kept.status_code == 201, kept.text
            ballast = filled_up(disk)

            for reply in writes(one.client):
                status, kind, message = problem(reply)
                assert status == 507, (reply.request.url, reply.text)
                assert kind in {"CatalogFull", "StorageFull"}
                assert "disk of the catalog is full" in message
                assert str(disk) not in message
            reads(one.client)
            assert one.client.get("/readyz").status_code == 503

            ballast.unlink()
            reads(one.client)  # nothing of what was refused was done
            assert list(disk.glob("catalog/*/quarantine/*")) == []
            for reply in writes(one.client):
                assert reply.is_success or reply.status_code == 404, reply.text


def test_an_order_that_fills_the_disk_is_taken_back(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        begin(disk)
        with served(tmp_path, disk) as one:
            fill(catalog_of(disk), "many", 2000)
            ballast = disk / "ballast"
            left = os.statvfs(disk)
            ballast.write_bytes(b"\x00" * (left.f_bavail * left.f_frsize - MIB // 2))
            told: list[int] = []
            for place in range(40):
                reply = one.client.post(f"{BASE}/copy/many", params={"to": f"to/{place}"})
                told.append(reply.status_code)
                if reply.status_code != 201:
                    break
            assert told[-1] == 507, told
            made = sum(one == 201 for one in told)
            ballast.unlink()
            listed = one.client.get(f"{BASE}/list").json()["metadata"]
            assert len(listed) == 1 + made
            again = one.client.post(f"{BASE}/copy/many", params={"to": "again"})
            assert again.status_code == 201, again.text
            assert list(disk.glob("catalog/*/quarantine/*")) == []


def test_a_read_only_catalog_reads_and_refuses_to_write(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 48) as disk:
        begin(disk)
        with served(tmp_path, disk) as one:
            one.client.put(f"{BASE}/upload/kept?properties=of=test", content=b"kept")
        remount(disk, "ro")
        with served(tmp_path, disk) as one:
            reads(one.client)
            for reply in writes(one.client):
                status, kind, message = problem(reply)
                assert (status, kind) == (503, "CatalogReadOnly"), reply.text
                assert "read-only" in message
                assert str(disk) not in message
            reads(one.client)
        remount(disk, "rw")
        with served(tmp_path, disk) as one:
            assert one.client.put(f"{BASE}/upload/new", content=b"x").status_code == 201
