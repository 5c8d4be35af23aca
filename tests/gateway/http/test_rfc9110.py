"""Conditions on writes, odd heads, links that end, commits repeated, figures of tenants."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.access.grants import Role
from tests.gateway.conftest import Running, serving
from tests.gateway.upload_folders import RESOURCES, got, path_of, put, versions


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """One gateway for tests that each use a name of their own."""
    with serving(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def test_a_write_is_made_only_of_what_its_caller_has_seen(gateway: Running) -> None:
    client = gateway.client

    def wrote(data: bytes, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.put(path_of("upload", "p"), content=data, headers=named).status_code

    assert wrote(b"0", If_Match="*") == 412
    assert wrote(b"0", If_None_Match="*") == 201
    etag = client.head(path_of("download", "p")).headers["ETag"]
    assert wrote(b"x", If_None_Match="*") == 412
    assert wrote(b"x", If_Match='"nope"') == 412
    assert wrote(b"x", If_None_Match=etag) == 412
    assert wrote(b"x", If_Match=f"W/{etag}") == 412
    assert wrote(b"1", If_Match=f'"other", {etag}') == 201
    assert (versions(client, "p"), got(client, "p")) == ([0, 1], b"1")
    assert wrote(b"2", If_Match=etag) == 412
    for change in (
        client.delete(path_of("delete", "p"), headers={"If-Match": etag}),
        client.put(
            path_of("metadata", "p"), headers={"If-Match": etag}, json={"properties": {"a": "b"}}
        ),
    ):
        assert change.status_code == 412
    now = client.head(path_of("download", "p")).headers["ETag"]
    assert client.delete(path_of("delete", "p"), headers={"If-Match": now}).status_code == 200


def test_of_many_who_saw_nothing_there_one_may_write(gateway: Running) -> None:
    start = threading.Barrier(8)

    def write(number: int) -> int:
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            start.wait(60)
            return client.put(
                path_of("upload", "race"), content=b"%d" % number, headers={"If-None-Match": "*"}
            ).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(write, range(8)))
    assert codes == [201, *[412] * 7]
    assert len(versions(gateway.client, "race")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": "bytes 0-0/10"},
        {"Repr-Digest": "sha-256=nonsense"},
        {"Repr-Digest": "sha-256=:%%%:"},
        {"Content-Digest": "sha-256"},
        {"X-Checksum-Sha256": "xyz"},
        {"Content-MD5": "!"},
        {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"},
        {"Content-Type": "multipart/form-data; boundary="},
        {"Content-Type": "multipart/form-data; boundary=\u00e9"},
    ],
    ids=str,
)
def test_what_an_upload_tells_and_nobody_can_read_is_refused(
    gateway: Running, headers: dict[str, str]
) -> None:
    given = {name: value.encode("latin-1") for name, value in headers.items()}
    reply = gateway.client.put(path_of("upload", "odd"), content=b"x", headers=given)  # type: ignore[arg-type]
    assert reply.status_code == 400, reply.text
    assert versions(gateway.client, "odd") == []


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 99999999:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +99999999999",
        "0",
        "",
        "\u00ff",
    ],
)
def test_a_date_that_cannot_be_is_ignored(gateway: Running, date: str) -> None:
    put(gateway.client, "dated", b"x")
    for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range"):
        headers: Any = {name: date.encode("latin-1")}
        reply = gateway.client.get(path_of("download", "dated"), headers=headers)
        assert (reply.status_code, reply.content) == (200, b"x"), name


def test_queries_of_what_was_registered_are_not_told(tmp_path: Path) -> None:
    tenants = {"mytenant": {"repositories": {}, "external": ["http://127.0.0.1:1"]}}
    with serving(tmp_path, tenants=tenants) as running:
        url = "http://127.0.0.1:1/a?signature=s3cret"
        made = running.client.put(path_of("register", "r"), json={"url": url})
        assert made.status_code == 201
        for path in (path_of("metadata", "r"), path_of("versions", "r"), f"{RESOURCES}/list"):
            told = running.client.get(path).text
            assert "127.0.0.1:1/a" in told
            assert "s3cret" not in told


@pytest.mark.usefixtures("prefect_server")
def test_a_link_ends_with_its_key_and_with_the_token_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - it loads Prefect

    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_TENANT", "mytenant")
    names = ("a", "line\nend", "ends\n", "\n")
    (tmp_path / "source").mkdir()
    for name in names:
        (tmp_path / "source" / name).write_text(f"bytes of {name!r}")
    sync(str(tmp_path / "source"), [str(tmp_path / "shelf")])
    tenants = {"mytenant": {"repositories": {"shelf": f"{tmp_path}/shelf/"}}}
    with serving(tmp_path, tenants=tenants) as running:
        client, place = running.client, "/v1/mytenant/repositories/shelf/links"
        for name in names:
            quoted = name.replace("\n", "%0A")
            reply = client.get(f"/content/mytenant/shelf/{quoted}")
            assert (reply.status_code, reply.text) == (200, f"bytes of {name!r}")
        opened = client.post(place, json={"path": "a"}).json()["url"]
        assert client.get(opened).status_code == 200
        made, text = running.catalog.tokens.create(Role.READER)
        assert client.get(opened).status_code == 403  # it was an open gateway's, which has closed
        _, other = running.catalog.tokens.create(Role.READER)
        links = [
            client.post(place, json={"path": "a"}, headers=running.tokens(one)).json()["url"]
            for one in (text, other)
        ]
        assert [client.get(one).status_code for one in links] == [200, 200]
        changed = links[0].replace(made.token_id, "0" * 12)
        assert client.get(changed).status_code == 403
        running.catalog.tokens.revoke(made.token_id)
        assert [client.get(one).status_code for one in links] == [403, 200]
        key = running.catalog.folder / "link.key"
        key.rename(tmp_path / "away")
        assert client.get(links[1]).status_code == 403
        again = client.post(place, json={"path": "a"}, headers=running.tokens(other)).json()["url"]
        assert [client.get(one).status_code for one in (again, links[1])] == [200, 403]
        (tmp_path / "away").replace(key)
        assert [client.get(one).status_code for one in (again, links[1])] == [403, 200]
        key.write_bytes(b"")
        assert client.get(links[1]).status_code == 403


def test_a_commit_that_is_repeated_is_the_same_commit(gateway: Running) -> None:
    client = gateway.client
    made = client.post(f"{RESOURCES}/uploads", json={"name": "chunked", "size": 3}).json()
    chunk = {"Content-Range": "bytes 0-2/3"}
    assert client.put(made["url"], content=b"abc", headers=chunk).is_success
    folder = gateway.catalog.folder / "uploads" / "mytenant" / made["id"]
    kept = {one.name: one.read_bytes() for one in folder.iterdir()}
    first = client.post(f"{made['url']}/commit")
    assert first.status_code == 201
    again = client.post(f"{made['url']}/commit")
    assert (again.status_code, again.json()) == (201, first.json())
    folder.mkdir()  # as it was when its gateway was killed after it had recorded the version
    for name, data in kept.items():
        (folder / name).write_bytes(data)
    for _ in range(2):
        again = client.post(f"{made['url']}/commit")
        assert (again.status_code, again.json()) == (201, first.json())
    assert versions(client, "chunked") == [0]
    assert not folder.exists()


def test_figures_of_a_tenant_are_told_to_it_and_to_the_operator(tmp_path: Path) -> None:
    tenants: dict[str, Any] = {"acme": {"repositories": {}}, "beta": {"repositories": {}}}
    catalog_tokens = {}
    with serving(tmp_path, tenants=tenants) as running:
        for name in tenants:
            made, text = running.catalog.for_tenant(name).tokens.create(Role.READER)
            catalog_tokens[name] = (made.token_id, text)
    with serving(tmp_path, tenants=tenants, operators=[catalog_tokens["beta"][0]]) as running:
        for name in tenants:
            shown = running.tokens(catalog_tokens[name][1])
            assert running.client.get(f"/v1/{name}/resources/list", headers=shown).is_success

        def seen(**headers: str) -> set[str]:
            reply = running.client.get("/metrics", headers=headers)
            assert "entrepot_requests_in_progress" in reply.text
            return {name for name in tenants if f'tenant="{name}"' in reply.text}

        assert seen() == {"acme", "beta"}  # this machine is the operator's
        assert seen(**{"X-Forwarded-For": "203.0.113.9"}) == set()
        assert seen(Host="evil.example") == set()
        assert seen(Authorization=f"Bearer {catalog_tokens['acme'][1]}") == {"acme"}
        assert seen(Authorization=f"Bearer {catalog_tokens['beta'][1]}") == {"acme", "beta"}
        wrong = running.client.get("/metrics", headers={"Authorization": "Bearer x"})
        assert wrong.status_code == 401
