"""Resources over HTTP as the Punch Resource Manager describes them, on a folder and on S3."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.gateway.conftest import Running, serving
from tests.gateway.upload_folders import (
    RESOURCES,
    Shelf,
    files_below,
    got,
    local_shelf,
    path_of,
    put,
    s3_shelf,
    versions,
)
from tests.servers.seaweedfs import S3Server

DOCUMENT = {
    "schema": "V1",
    "name": "/my/resource",
    "timestamp": "1602230389",
    "version": "2",
    "tenant": "mytenant",
    "size": "2048",
    "storage": {"type": "file", "url": "/data/resources/mytenant/my_resource.hjson"},
    "properties": {"author": "bob", "editor": "vim"},
}
"""The metadata document of the Punch's documentation."""
LIST = {
    "metadata": [
        {
            "@timestamp": "2020-10-09T12:36:39.107Z",
            "name": "datasets/dataset_generator",
            "version": 2,
        },
        {"@timestamp": "2020-10-09T12:37:44.785Z", "name": "datasets/batch_input", "version": 0},
    ],
    "name": "*",
    "message": "List resources",
    "tenant": "mytenant",
}
"""The reply to a list with `simplify=true` there."""


@pytest.fixture(params=["local", "s3"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """Return where uploads go: a folder, or a bucket of a real server."""
    if request.param == "local":
        return local_shelf(tmp_path / "shelf")
    server: S3Server = request.getfixturevalue("s3_server")
    return s3_shelf(server, f"shelf-{uuid4().hex}")


@pytest.fixture
def client(shelf: Shelf, tmp_path: Path) -> Generator[httpx.Client]:
    """Run a gateway with this shelf, and return what asks it."""
    tenants = {"mytenant": {"repositories": {}, "resources": shelf.place}}
    with serving(tmp_path, tenants=tenants) as running:
        yield running.client


def test_versions_are_counted_from_0_and_lie_below_their_number(
    client: httpx.Client, shelf: Shelf
) -> None:
    made = [put(client, "my/resource.txt", data)["version"] for data in (b"first", b"second")]
    assert made == ["0", "1"]
    assert shelf.files() == ["my/0/resource.txt", "my/1/resource.txt"]
    assert got(client, "my/resource.txt") == b"second"
    assert got(client, "my/resource.txt", version=0) == b"first"
    assert got(client, "/my/resource.txt", version=1) == b"second"
    assert client.get(path_of("download", "my/resource.txt"), params={"version": 2}).is_error


def test_what_was_saved_is_listed_then_deleted_then_gone(
    client: httpx.Client, shelf: Shelf
) -> None:
    put(client, "punchlines/a.json", b"{}")
    listed = client.get(f"{RESOURCES}/list").json()["metadata"]
    assert [one["name"] for one in listed] == ["punchlines/a.json"]
    assert client.delete(path_of("delete", "punchlines/a.json")).status_code == 200
    assert client.get(path_of("download", "punchlines/a.json")).status_code == 404
    assert client.delete(path_of("delete", "punchlines/a.json")).status_code == 404
    assert client.get(f"{RESOURCES}/list").json()["metadata"] == []
    assert shelf.files() == []


def test_a_number_is_never_given_twice(client: httpx.Client) -> None:
    put(client, "a", b"0")
    put(client, "a", b"1")
    client.delete(path_of("delete", "a"), params={"version": 1})
    assert got(client, "a") == b"0"
    client.delete(path_of("delete", "a"))
    assert put(client, "a", b"2")["version"] == "2"


def test_copy_takes_every_version_or_one(client: httpx.Client, shelf: Shelf) -> None:
    for data in (b"zero", b"one"):
        put(client, "d/a", data, headers={"content-type": "text/x-a"})
    put(client, "d/b", b"earlier")
    copied = client.post(path_of("copy", "d/a"), params={"to": "d/b"})
    assert copied.status_code == 201
    assert [one["version"] for one in copied.json()["metadata"]] == ["1", "2"]
    assert [got(client, "d/b", version=n) for n in range(3)] == [b"earlier", b"zero", b"one"]
    assert [got(client, "d/a", version=n) for n in range(2)] == [b"zero", b"one"]
    one = client.post(path_of("copy", "d/a"), params={"to": "c", "version": 0}).json()["metadata"]
    assert [(each["name"], each["version"], each["type"]) for each in one] == [
        ("c", "0", "text/x-a")
    ]
    assert shelf.files() == ["d/0/a", "d/0/b", "d/1/a"]  # copies share the bytes
    client.delete(path_of("delete", "d/a"))
    assert [got(client, "d/b", version=n) for n in range(3)] == [b"earlier", b"zero", b"one"]
    for name in ("d/b", "c"):
        client.delete(path_of("delete", name))
    assert shelf.files() == []


def test_move_takes_every_version_or_one(client: httpx.Client, shelf: Shelf) -> None:
    for data in (b"zero", b"one", b"two"):
        put(client, "a", data, params={"properties": "by=ann"})
    one = client.post(path_of("move", "a"), params={"to": "b", "version": 1})
    assert (one.status_code, versions(client, "a"), versions(client, "b")) == (200, [0, 2], [0])
    assert got(client, "b") == b"one"
    client.post(path_of("move", "a"), params={"to": "b"})
    assert (versions(client, "a"), versions(client, "b")) == ([], [0, 1, 2])
    assert [got(client, "b", version=n) for n in range(3)] == [b"one", b"zero", b"two"]
    (told,) = client.get(path_of("metadata", "b")).json()["metadata"]
    assert told["properties"] == {"by": "ann"}
    assert shelf.files() == ["0/a", "1/a", "2/a"]  # no byte was moved
    put(client, "a", b"new")
    assert (versions(client, "a"), got(client, "b", version=2)) == ([3], b"two")
    client.delete(path_of("delete", "b"))
    assert shelf.files() == ["3/a"]


@pytest.mark.parametrize("action", ["copy", "move"])
def test_onto_itself_it_makes_next_versions(
    client: httpx.Client, shelf: Shelf, action: str
) -> None:
    put(client, "a", b"zero")
    assert client.post(path_of(action, "a"), params={"to": "a"}).is_success
    assert got(client, "a") == b"zero"
    assert versions(client, "a") == ([0, 1] if action == "copy" else [1])
    assert shelf.files() == ["0/a"]


def test_delete_takes_every_version_or_one(client: httpx.Client, shelf: Shelf) -> None:
    for data in (b"zero", b"one", b"two"):
        put(client, "a", data)
    gone = client.delete(path_of("delete", "a"), params={"version": 1}).json()["metadata"]
    assert [one["version"] for one in gone] == ["1"]
    assert (versions(client, "a"), shelf.files()) == ([0, 2], ["0/a", "2/a"])
    gone = client.delete(path_of("delete", "a")).json()["metadata"]
    assert [one["version"] for one in gone] == ["0", "2"]
    assert (versions(client, "a"), shelf.files()) == ([], [])


def test_an_empty_resource_is_one(client: httpx.Client, shelf: Shelf) -> None:
    assert put(client, "empty", b"")["size"] == "0"
    assert got(client, "empty") == b""
    assert shelf.files() == ["0/empty"]


def test_large_ones_come_back_whole_and_in_part(client: httpx.Client) -> None:
    data = bytes(range(256)) * 40_000  # more than one part, and than one block
    put(client, "large", data)
    assert got(client, "large") == data
    part = client.get(path_of("download", "large"), headers={"range": "bytes=5000000-5000009"})
    assert (part.status_code, part.content) == (206, data[5_000_000:5_000_010])


def test_what_was_registered_is_downloaded_from_where_it_lies(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.bin").write_bytes(b"outside")
    tenants = {"mytenant": {"repositories": {}, "local_roots": [str(tmp_path)]}}
    with serving(tmp_path, tenants=tenants) as running:
        url = (elsewhere / "x.bin").as_uri()
        reply = running.client.put(path_of("register", "known/x"), json={"url": url})
        assert reply.status_code == 201, reply.text
        (told,) = reply.json()["metadata"]
        assert told["storage"] == {"type": "external", "url": url}
        assert got(running.client, "known/x") == b"outside"
        part = running.client.get(path_of("download", "known/x"), headers={"range": "bytes=3-"})
        assert part.content in (b"side", b"outside")  # its size was not told
        copied = running.client.post(path_of("copy", "known/x"), params={"to": "y"}).json()
        assert copied["metadata"][0]["storage"] == {"type": "external", "url": url}
        running.client.delete(path_of("delete", "known/x"))
        assert (elsewhere / "x.bin").read_bytes() == b"outside"  # it is not ours
        fetched = running.client.post(path_of("fetch", "z"), json={"url": url})
        assert (fetched.status_code, got(running.client, "z")) == (201, b"outside")
        wrong = running.client.post(
            path_of("fetch", "z"), json={"url": url, "digests": {"sha256": "00" * 32}}
        )
        assert (wrong.status_code, versions(running.client, "z")) == (400, [0])


def test_any_name_may_be_registered_and_its_tag_is_weak(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"outside")
    tenants = {"mytenant": {"repositories": {}, "local_roots": [str(tmp_path)]}}
    with serving(tmp_path, tenants=tenants) as running:
        for name in ("日本", 'a"b'):
            url = (tmp_path / "x").as_uri()
            assert running.client.put(path_of("register", name), json={"url": url}).is_success
            reply = running.client.get(path_of("download", name))
            assert (reply.status_code, reply.content) == (200, b"outside")
            assert reply.headers["etag"].startswith('W/"')


def test_another_gateway_may_delete_what_this_one_sends(shelf: Shelf, tmp_path: Path) -> None:
    data = bytes(range(256)) * 80_000
    tenants = {"mytenant": {"repositories": {}, "resources": shelf.place}}
    with serving(tmp_path, tenants=tenants) as one, serving(tmp_path, tenants=tenants) as other:
        put(one.client, "a", data)
        assert versions(other.client, "a") == [0]
        with one.client.stream("GET", path_of("download", "a")) as reply:
            blocks = reply.iter_bytes(65536)
            found = bytearray(next(blocks))
            assert other.client.delete(path_of("delete", "a")).status_code == 200
            for block in blocks:
                found += block
        assert bytes(found) == data
        for running in (one, other):
            for tenant in running.application.gateway.tenants:
                tenant.store().sweep()
        assert shelf.files() == []
        readers = tmp_path / "catalog" / "catalog.duckdb.d" / "readers"
        assert files_below(readers) == []


def test_a_simplified_list_has_exactly_the_shape_of_the_punch_s(running: Running) -> None:
    for _ in range(3):
        put(running.client, "datasets/dataset_generator", b"{}")
    put(running.client, "datasets/batch_input", b"{}")
    reply = running.client.get(f"{RESOURCES}/list", params={"simplify": "true"}).json()
    assert shape(reply) == shape(LIST)
    assert list(reply) == list(LIST)
    rows = [(one["name"], one["version"]) for one in reply["metadata"]]
    assert rows == [("datasets/batch_input", 0), ("datasets/dataset_generator", 2)]
    assert [reply[key] for key in ("name", "message", "tenant")] == [
        LIST[key] for key in ("name", "message", "tenant")
    ]


def test_a_document_has_exactly_the_keys_and_types_of_the_punch_s_plus_digests(
    running: Running,
) -> None:
    put(
        running.client,
        "my/resource",
        b"x" * 2048,
        params={"properties": ["author=bob", "editor=vim"]},
    )
    (told,) = running.client.get(path_of("metadata", "my/resource")).json()["metadata"]
    digests = told.pop("digests")
    assert shape(told) == shape(DOCUMENT)
    assert list(told) == list(DOCUMENT)
    assert list(digests) == ["sha256"]
    assert told["properties"] == DOCUMENT["properties"]
    assert told["storage"]["type"] == "file"


def test_the_examples_are_those_of_the_notes() -> None:
    notes = Path("/work/shared/examples")
    if not notes.is_dir():
        pytest.skip("the notes are not here")
    assert json.loads((notes / "resource-metadata.json").read_text()) == DOCUMENT
    assert json.loads((notes / "resources-list-reply.json").read_text()) == LIST


def shape(value: object) -> object:
    """Return the keys and types of a JSON value; of a list, those of its first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])]
    return type(value).__name__
