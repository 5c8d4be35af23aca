"""Uploads in chunks over HTTP: any order, checked, resumable, and gone once they are committed."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.resource_store.chunk_store import ChunkStore
from tests.gateway.conftest import Running, serving
from tests.gateway.killable_process import gateway_process
from tests.gateway.upload_folders import RESOURCES, files_below, got, kind_of, versions

UPLOADS = f"{RESOURCES}/uploads"
DATA = random.Random(5).randbytes(1_000_000)  # noqa: S311 - contents


def created(client: httpx.Client, **more: Any) -> str:  # noqa: ANN401 - JSON
    """Begin an upload of DATA, and return its URL."""
    reply = client.post(UPLOADS, json={"name": "d/big", "size": len(DATA), **more})
    assert reply.status_code == 201, reply.text
    assert reply.headers["location"] == reply.json()["url"]
    return str(reply.json()["url"])


def sent(client: httpx.Client, url: str, start: int, stop: int, **headers: str) -> httpx.Response:
    """Send one chunk of DATA."""
    headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(DATA)}", **headers}
    return client.put(url, content=DATA[start:stop], headers=headers)


def chunks_in(folder: Path) -> list[str]:
    """Return every file that uploads under way have."""
    found = files_below(folder / "catalog" / "catalog.duckdb.d" / "uploads")
    return [one for one in found if "/done/" not in one]  # what was committed is remembered


def test_chunks_come_in_any_order_and_become_one_version(running: Running) -> None:
    sha256 = hashlib.sha256(DATA).hexdigest()
    url = created(running.client, type="text/x-a", properties={"by": "ann"})
    cuts = [0, 1, 300_000, 300_001, 777_777, len(DATA)]
    parts = list(pairwise(cuts))
    random.Random(3).shuffle(parts)  # noqa: S311 - an order
    for start, stop in parts:
        digest = hashlib.sha256(DATA[start:stop]).hexdigest()
        reply = sent(running.client, url, start, stop, **{"X-Checksum-Sha256": digest})
        assert reply.status_code == 200, reply.text
    shown = running.client.get(url).json()
    assert [one["start"] for one in shown["chunks"]] == cuts[:-1]
    assert shown["missing"] == []
    done = running.client.post(f"{url}/commit", json={"digests": {"sha256": sha256}})
    assert done.status_code == 201, done.text
    (told,) = done.json()["metadata"]
    assert (told["name"], told["version"], told["size"]) == ("d/big", "0", str(len(DATA)))
    assert (told["type"], told["properties"]) == ("text/x-a", {"by": "ann"})
    assert told["digests"] == {"sha256": sha256}
    assert got(running.client, "d/big") == DATA
    assert running.client.get(url).status_code == 404
    again = running.client.post(f"{url}/commit")
    assert (again.status_code, again.json()) == (201, done.json())  # the same commit
    assert running.client.get(UPLOADS).json() == {"uploads": []}
    assert chunks_in(running.folder) == []


def test_chunks_may_come_at_once(running: Running) -> None:
    url = created(running.client)
    with ThreadPoolExecutor(8) as pool:
        for start in range(0, len(DATA), 50_000):
            pool.submit(sent, running.client, url, start, start + 50_000)
    assert running.client.post(f"{url}/commit").status_code == 201
    assert got(running.client, "d/big") == DATA


def test_a_wrong_chunk_is_refused_and_not_kept(running: Running) -> None:
    url = created(running.client)
    wrong = sent(running.client, url, 0, 100, **{"X-Checksum-Sha256": "0" * 64})
    assert (wrong.status_code, kind_of(wrong)) == (400, "DigestMismatch")
    untrusted = sent(running.client, url, 0, 100, **{"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert (untrusted.status_code, kind_of(untrusted)) == (400, "DigestNotAllowed")
    assert running.client.get(url).json()["chunks"] == []
    assert len(chunks_in(running.folder)) == 1


@pytest.mark.parametrize(
    ("content_range", "size"),
    [
        (None, 10),
        ("bytes 0-9", 10),
        ("bytes 0-9/*", 10),
        ("bytes */1000000", 10),
        ("items 0-9/1000000", 10),
        ("bytes 0-9/999999", 10),
        ("bytes 9-0/1000000", 10),
        ("bytes 999995-1000004/1000000", 10),
        ("bytes 0-9/1000000", 9),
        ("bytes 0-9/1000000", 11),
        ("bytes 0-9/1000000", 0),
    ],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "no-length"])
def test_a_chunk_that_does_not_fit_its_range_is_refused(
    running: Running, content_range: str | None, size: int, *, chunked: bool
) -> None:
    url = created(running.client)
    headers = {} if content_range is None else {"Content-Range": content_range}
    body = iter([bytes(size)]) if chunked else bytes(size)
    reply = running.client.put(url, content=body, headers=headers)
    assert reply.status_code == 400, reply.text
    assert running.client.get(url).json()["chunks"] == []
    assert len(chunks_in(running.folder)) == 1


def test_gaps_are_named(running: Running) -> None:
    url = created(running.client)
    sent(running.client, url, 100, 200)
    sent(running.client, url, 300, len(DATA))
    reply = running.client.post(f"{url}/commit")
    assert (reply.status_code, kind_of(reply)) == (409, "ContentConflict")
    assert "bytes 0-99, 200-299" in reply.json()["error"]["message"]
    told = [(one["start"], one["end"]) for one in running.client.get(url).json()["missing"]]
    assert told == [(0, 99), (200, 299)]
    assert versions(running.client, "d/big") == []


def test_overlaps_are_named_and_can_be_mended(running: Running) -> None:
    url = created(running.client)
    sent(running.client, url, 0, 600)
    sent(running.client, url, 500, len(DATA))
    reply = running.client.post(f"{url}/commit")
    assert reply.status_code == 409
    assert "bytes 500-599" in reply.json()["error"]["message"]
    sent(running.client, url, 0, 500)  # replaces the one that began there
    assert running.client.post(f"{url}/commit").status_code == 201
    assert got(running.client, "d/big") == DATA


def test_the_same_chunk_may_come_again(running: Running) -> None:
    url = created(running.client)
    bad = {"Content-Range": f"bytes 0-99/{len(DATA)}"}
    assert running.client.put(url, content=bytes(100), headers=bad).status_code == 200
    sent(running.client, url, 0, 100)
    sent(running.client, url, 100, len(DATA))
    sent(running.client, url, 100, len(DATA))
    assert len(running.client.get(url).json()["chunks"]) == 2
    assert running.client.post(f"{url}/commit").status_code == 201
    assert got(running.client, "d/big") == DATA


@pytest.mark.parametrize("when", ["created", "committed"])
def test_a_wrong_digest_of_the_whole_stores_nothing_and_keeps_the_chunks(
    running: Running, when: str
) -> None:
    wrong = {"digests": {"sha512": "0" * 128}}
    url = created(running.client, **(wrong if when == "created" else {}))
    sent(running.client, url, 0, len(DATA))
    reply = running.client.post(f"{url}/commit", json=wrong if when == "committed" else None)
    assert (reply.status_code, kind_of(reply)) == (400, "DigestMismatch")
    assert versions(running.client, "d/big") == []
    assert len(running.client.get(url).json()["chunks"]) == 1
    assert running.client.delete(url).status_code == 204
    assert (running.client.get(url).status_code, chunks_in(running.folder)) == (404, [])


def test_what_cannot_become_a_resource_is_not_begun(running: Running) -> None:
    for wrong in (
        {"name": "../x"},
        {"size": -1},
        {"digests": {"md5": "0" * 32}},
        {"digests": {"sha256": "zz"}},
        {"type": "a\r\nb"},
        {"properties": {"": "x"}},
        {"unknown": 1},
    ):
        body = {"name": "a", "size": 1, **wrong}
        assert running.client.post(UPLOADS, json=body).status_code in (400, 422), wrong
    assert chunks_in(running.folder) == []
    for never in ("0" * 32, "Z" * 32, "x" * 400):
        assert running.client.get(f"{UPLOADS}/{never}").status_code == 404


def test_an_upload_of_nothing_needs_no_chunk(running: Running) -> None:
    url = created(running.client, size=0)
    assert running.client.post(f"{url}/commit").status_code == 201
    assert got(running.client, "d/big") == b""


def test_a_limit_holds_for_the_whole(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"upload_bytes": 1000}) as running:
        reply = running.client.post(UPLOADS, json={"name": "a", "size": 1001})
        assert (reply.status_code, kind_of(reply)) == (413, "BodyTooLarge")
        long = {"properties": {"x": "y" * 2**21}}
        reply = running.client.post(UPLOADS, json={"name": "a", "size": 1, **long})
        assert reply.status_code == 413


def test_another_tenant_s_upload_is_not_there(tmp_path: Path) -> None:
    tenants: dict[str, dict[str, object]] = {
        one: {"repositories": {}} for one in ("mytenant", "other")
    }
    with serving(tmp_path, tenants=tenants) as running:
        url = created(running.client).replace("mytenant", "other")
        assert running.client.get(url).status_code == 404
        assert sent(running.client, url, 0, 10).status_code == 404
        assert running.client.post(f"{url}/commit").status_code == 404
        assert running.client.get("/v1/other/resources/uploads").json() == {"uploads": []}


def test_one_commit_of_many_wins(running: Running) -> None:
    url = created(running.client)
    sent(running.client, url, 0, len(DATA))
    with ThreadPoolExecutor(6) as pool:
        found = [one.status_code for one in pool.map(running.client.post, [f"{url}/commit"] * 6)]
    assert 201 in found
    assert set(found) <= {201, 409}  # those who come later are told of the same version
    assert versions(running.client, "d/big") == [0]


def test_it_goes_on_after_a_kill_in_the_middle_of_a_chunk(tmp_path: Path) -> None:
    with gateway_process(tmp_path) as gateway:
        url = created(gateway.client)
        assert sent(gateway.client, url, 0, 400_000).status_code == 200
        base = gateway.client.base_url
        with socket.create_connection((base.host, base.port or 0)) as one:
            head = f"PUT {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 600000\r\n"
            head += "Content-Range: bytes 400000-999999/1000000\r\n\r\n"
            one.sendall(head.encode() + DATA[400_000:900_000])
            deadline = time.monotonic() + 120
            while not any("tmp-" in name for name in chunks_in(tmp_path)):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            gateway.kill()
    with gateway_process(tmp_path) as gateway:
        shown = gateway.client.get(url).json()
        assert [(one["start"], one["end"]) for one in shown["chunks"]] == [(0, 399_999)]
        (gap,) = shown["missing"]
        assert sent(gateway.client, url, gap["start"], gap["end"] + 1).status_code == 200
        assert gateway.client.post(f"{url}/commit").status_code == 201
        assert got(gateway.client, "d/big") == DATA
        assert chunks_in(tmp_path) == []


def test_a_client_that_leaves_leaves_no_part_of_a_chunk(running: Running) -> None:
    url = created(running.client)
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as one:
        head = f"PUT {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        head += "Content-Range: bytes 0-999999/1000000\r\n\r\n"
        one.sendall(head.encode() + DATA[:900_000])
        deadline = time.monotonic() + 120
        while len(chunks_in(running.folder)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    while len(chunks_in(running.folder)) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert running.client.get(url).json()["chunks"] == []


def test_old_ones_are_swept_and_others_stay(running: Running) -> None:
    old, new, begun = created(running.client), created(running.client), "0" * 32
    for url in (old, new):
        sent(running.client, url, 0, 100)
    folder = running.folder / "catalog" / "catalog.duckdb.d" / "uploads" / "mytenant"
    (folder / begun).mkdir()  # as a kill leaves it
    long_ago = time.time() - 8 * 86_400
    for name in (old.rpartition("/")[2], begun):
        os.utime(folder / name, (long_ago, long_ago))
    store = ChunkStore(folder)
    assert (store.sweep(), store.sweep()) == (2, 0)
    assert running.client.get(old).status_code == 404
    assert len(running.client.get(new).json()["chunks"]) == 1
    assert [one.name for one in folder.iterdir()] == [new.rpartition("/")[2]]
