"""Downloads and lists over HTTP: ranges, conditions, names of files; pages, filters, order."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.gateway.conftest import Running, serving
from tests.gateway.upload_folders import RESOURCES, files_below, got, kind_of, path_of, put

DATA = bytes(range(256)) * 4  # 1024 bytes

PARTS: list[tuple[str, int, slice]] = [
    ("bytes=0-99", 206, slice(0, 100)),
    ("bytes=100-199", 206, slice(100, 200)),
    ("bytes=0-0", 206, slice(0, 1)),
    ("bytes=1023-", 206, slice(1023, 1024)),
    ("bytes=-50", 206, slice(974, 1024)),
    ("bytes=-5000", 206, slice(0, 1024)),
    ("bytes=524-5000", 206, slice(524, 1024)),
    ("BYTES = 5-9", 206, slice(5, 10)),
    ("bytes=1024-", 416, slice(0, 0)),
    ("bytes=4000-5000", 416, slice(0, 0)),
    ("bytes=-0", 416, slice(0, 0)),
    ("bytes=-1-11", 416, slice(0, 0)),
    ("bytes=9-5", 416, slice(0, 0)),
    ("bytes=a-b", 416, slice(0, 0)),
    ("bytes=-", 416, slice(0, 0)),
    ("bytes=0-1,5-6", 200, slice(0, 1024)),
    ("lines=1-2", 200, slice(0, 1024)),
]


@pytest.mark.parametrize(("asked", "status", "part"), PARTS, ids=[one[0] for one in PARTS])
def test_a_range_is_exactly_what_was_asked_for(
    running: Running, asked: str, status: int, part: slice
) -> None:
    put(running.client, "a", DATA)
    for _ in range(2):
        reply = running.client.get(path_of("download", "a"), headers={"range": asked})
        assert (reply.status_code, reply.content) == (status, DATA[part])
        assert reply.headers["content-length"] == str(len(DATA[part]))
        told = reply.headers.get("content-range")
        if status == 206:
            assert told == f"bytes {part.start}-{part.stop - 1}/1024"
        else:
            assert told == ("bytes */1024" if status == 416 else None)


def test_a_range_of_nothing_cannot_be_satisfied(running: Running) -> None:
    put(running.client, "empty", b"")
    reply = running.client.get(path_of("download", "empty"), headers={"range": "bytes=0-"})
    assert (reply.status_code, reply.headers["content-range"]) == (416, "bytes */0")


def test_a_range_is_followed_only_if_the_resource_is_still_the_same(running: Running) -> None:
    put(running.client, "a", DATA)
    first = running.client.get(path_of("download", "a"))
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for tag, status in ((etag, 206), (modified, 206), ('"other"', 200), (f"W/{etag}", 200)):
        headers = {"range": "bytes=0-9", "if-range": tag}
        reply = running.client.get(path_of("download", "a"), headers=headers)
        assert (reply.status_code, len(reply.content)) == (status, 10 if status == 206 else 1024)


def test_what_the_client_has_is_not_sent_again(running: Running) -> None:
    put(running.client, "a", DATA)
    etag = running.client.get(path_of("download", "a")).headers["etag"]

    def status(method: str = "GET", **headers: str) -> int:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return running.client.request(method, path_of("download", "a"), headers=named).status_code

    assert status(if_none_match=etag) == 304
    assert status(if_none_match=f'"x", W/{etag}') == 304
    assert status(if_none_match="*") == 304
    assert status("HEAD", if_none_match=etag) == 304
    assert status(if_none_match='"x"') == 200
    assert status(if_match='"x"') == 412
    assert status(if_match=etag) == 200
    assert status(if_modified_since="Fri, 01 Jan 2100 00:00:00 GMT") == 304
    assert status(if_modified_since="yesterday") == 200
    put(running.client, "a", b"other")
    assert status(if_none_match=etag) == 200


def test_a_head_tells_all_but_the_bytes(running: Running) -> None:
    put(running.client, "a", DATA, headers={"content-type": "text/x-a; charset=utf-8"})
    whole = running.client.get(path_of("download", "a"))
    head = running.client.head(path_of("download", "a"))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified", "repr-digest"):
        assert head.headers[name] == whole.headers[name]
    assert head.headers["content-length"] == "1024"
    assert head.headers["content-type"] == "text/x-a; charset=utf-8"
    assert head.headers["accept-ranges"] == "bytes"
    assert running.client.head(path_of("download", "never")).status_code == 404


@pytest.mark.parametrize("name", ['a "quoted" name', "ünï/cödé 日本.txt", "semi;colon,%20", "#?&"])
def test_a_name_is_told_so_that_any_client_saves_it_right(running: Running, name: str) -> None:
    put(running.client, name, DATA)
    told = running.client.get(path_of("download", name)).headers["content-disposition"]
    last = name.rpartition("/")[2]
    assert told.startswith('attachment; filename="')
    assert told.isascii()
    if not last.isascii() or '"' in last:
        assert told.endswith(f"filename*=UTF-8''{quote(last, safe='')}")
    else:
        assert told == f'attachment; filename="{last}"'


def test_a_resource_that_is_deleted_meanwhile_is_still_sent_whole(running: Running) -> None:
    data = DATA * 20_000  # 20 MB: more than sockets hold
    put(running.client, "a", data)
    store = running.folder / "catalog" / "catalog.duckdb.d" / "resources"
    with running.client.stream("GET", path_of("download", "a")) as reply:
        blocks = reply.iter_bytes(65536)
        found = bytearray(next(blocks))
        with httpx.Client(base_url=running.url) as other:
            assert other.delete(path_of("delete", "a")).status_code == 200
            assert other.get(path_of("download", "a")).status_code == 404
        for block in blocks:
            found += block
    assert bytes(found) == data
    for tenant in running.application.gateway.tenants:
        deadline = time.monotonic() + 120
        while files_below(store) and time.monotonic() < deadline:
            tenant.store().sweep()
    assert files_below(store) == []


def test_a_client_that_leaves_during_a_download_holds_nothing(running: Running) -> None:
    put(running.client, "a", DATA * 20_000)
    host, _, port = running.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as one:
        one.sendall(f"GET {path_of('download', 'a')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert one.recv(100)
    store = next(iter(running.application.gateway.tenants)).store()
    deadline = time.monotonic() + 120
    while store._readers:
        assert time.monotonic() < deadline, "it is read still"
        time.sleep(0.02)
    running.client.delete(path_of("delete", "a"))
    assert store.catalog.resources.pending_deletions() == []


def names(running: Running, **params: Any) -> list[str]:  # noqa: ANN401 - httpx's
    """Return the names that a list has."""
    reply = running.client.get(f"{RESOURCES}/list", params=params)
    assert reply.status_code == 200, reply.text
    return [one["name"] for one in reply.json()["metadata"]]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["a/1", "a/2", "ab", "b", "b/1", "c/é"]),
    ({"prefix": "a"}, ["a/1", "a/2", "ab"]),
    ({"prefix": "a/"}, ["a/1", "a/2"]),
    ({"prefix": "c/é"}, ["c/é"]),
    ({"prefix": "%"}, []),
    ({"properties": "who=ann"}, ["a/2", "b/1"]),
    ({"properties": "even"}, ["ab", "b/1"]),
    ({"properties": "!even"}, ["a/1", "a/2", "b", "c/é"]),
    ({"properties": "who=bob,even"}, ["ab"]),
    ({"properties": "who!=bob"}, ["a/2", "b/1"]),
    ({"properties": "who~an", "prefix": "a"}, ["a/2"]),
    ({"properties": "who=ann", "every_version": True}, ["a/1", "a/2", "b/1"]),
    ({"order": "-name"}, ["c/é", "b/1", "b", "ab", "a/2", "a/1"]),
    ({"order": "size"}, ["a/1", "c/é", "ab", "b", "b/1", "a/2"]),
    ({"order": "-size"}, ["a/2", "b/1", "b", "ab", "c/é", "a/1"]),
    ({"order": "timestamp"}, ["a/2", "b/1", "b", "ab", "c/é", "a/1"]),
    ({"order": "-timestamp"}, ["a/1", "c/é", "ab", "b", "b/1", "a/2"]),
    ({"every_version": True, "prefix": "a/1"}, ["a/1", "a/1"]),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """Share one gateway with some resources among tests that only list."""
    with serving(tmp_path_factory.mktemp("library")) as running:
        for n, name in enumerate(["a/1", "a/2", "b/1", "b", "ab", "c/é"]):
            tags = [f"n={n}", *(["even=yes"] if n % 2 == 0 else [])]
            tags.append("who=ann" if n < 3 else "who=bob")
            put(running.client, name, bytes(100 - n), params={"properties": tags})
        put(running.client, "a/1", b"", params={"properties": ["n=9"]})
        yield running


@pytest.mark.parametrize(("params", "found"), FILTERS, ids=[str(one[0]) for one in FILTERS])
def test_a_list_is_filtered_and_sorted_as_asked(
    library: Running, params: dict[str, Any], found: list[str]
) -> None:
    assert names(library, **params) == found


@pytest.mark.parametrize("order", ["name", "-name", "size", "-size", "timestamp", "-timestamp"])
def test_pages_are_the_list_without_gap_or_repetition(library: Running, order: str) -> None:
    whole = names(library, order=order, every_version=True)
    found: list[str] = []
    cursor: str | None = None
    sizes: list[int] = []
    while True:
        params: dict[str, Any] = {"order": order, "limit": 3, "every_version": True}
        reply = library.client.get(
            f"{RESOURCES}/list", params=params if cursor is None else {**params, "cursor": cursor}
        ).json()
        found += [one["name"] for one in reply["metadata"]]
        sizes.append(len(reply["metadata"]))
        cursor = reply.get("next")
        if cursor is None:
            break
    assert (found, sizes) == (whole, [3, 3, 1])


def test_a_page_stays_right_while_names_come_and_go(running: Running) -> None:
    for n in range(10):
        put(running.client, f"n{n}", b"x")
    reply = running.client.get(f"{RESOURCES}/list", params={"limit": 4}).json()
    put(running.client, "n00", b"new, and before the cursor")
    running.client.delete(path_of("delete", "n3"))
    put(running.client, "n45", b"new, and behind the cursor")
    rest = names(running, limit=100, cursor=reply["next"])
    assert rest == ["n4", "n45", "n5", "n6", "n7", "n8", "n9"]
    assert all(one < other for one, other in pairwise(rest))


@pytest.mark.parametrize(
    "params",
    [
        {"order": "colour"},
        {"cursor": "nonsense"},
        {"cursor": "!!"},
        {"limit": 0},
        {"limit": 10_001},
        {"properties": "=x"},
        {"unknown": "x"},
        {"simplify": "perhaps"},
    ],
    ids=str,
)
def test_a_list_that_cannot_be_made_is_refused(running: Running, params: dict[str, Any]) -> None:
    reply = running.client.get(f"{RESOURCES}/list", params=params)
    assert reply.status_code in (400, 422), reply.text
    assert kind_of(reply) == "InvalidInput"


def test_properties_are_replaced(running: Running) -> None:
    put(running.client, "a", DATA, params={"properties": ["x=1", "y=2"]})
    reply = running.client.put(path_of("metadata", "a"), json={"properties": {"z": "3"}})
    assert (reply.status_code, reply.json()["metadata"][0]["properties"]) == (200, {"z": "3"})
    assert names(running, properties="z=3") == ["a"]
    assert names(running, properties="x") == []
    assert got(running.client, "a") == DATA
    never = running.client.put(path_of("metadata", "b"), json={"properties": {}})
    assert never.status_code == 404
