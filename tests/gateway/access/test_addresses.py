"""Addresses are compared as values: what was not allowed is not asked for, however written."""

from __future__ import annotations

import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.errors import CatalogError, InvalidInput, RepositoryNotFound
from gateway.access.external_urls import ExternalUrls
from gateway.config import GatewayConfig
from providers.http.socket import is_public
from tests.gateway.conftest import Running, serving
from tests.gateway.mirror_gateway import TENANT
from tests.servers.faulty import FaultyServer, redirect

LOGIN = "Basic YW5uOnMzY3JldA=="  # ann:s3cret
CLIMBS = (
    "../private/x",
    "%2e%2e/private/x",
    ".%2E/private/x",
    "..%2fprivate/x",
    "..%5cprivate/x",
    "%252e%252e/private/x",
    "%252e%252e%252fprivate/x",
    "//../private/x",
    "/./../private/x",
    "./../private/x",
    "a/../../private/x",
    "..;/private/x",
    "..;a=b/private/x",
    "..\\private/x",
    "..\t/private/x",
    ".\n./private/x",
    "%00/../private/x",
    "%ff/x",
    "?a/../private/x#y",
    "",
)


@pytest.fixture
def server() -> Generator[FaultyServer]:
    """A web server in the gateway's own network, with a part that may be read."""
    with FaultyServer() as found:
        found.files = {
            "/pub/x": b"fine",
            "/pub/a%20b.txt": b"named",
            "/pub/100%25": b"percent",
            "/private/x": b"s3cret",
            "/public/x": b"s3cret",
        }
        yield found


@pytest.fixture(params=["listed", "source"])
def running(
    request: pytest.FixtureRequest, tmp_path: Path, server: FaultyServer
) -> Generator[Running]:
    """A gateway that may read `/pub`: an address that is listed, or a source with a login."""
    place: dict[str, Any] = {"external": [f"{server.url}/pub"]}
    if request.param == "source":
        login = {"type": "http", "url": f"{server.url}/pub", "username": "ann"}
        place = {"sources": {"far": {**login, "password": "s3cret"}}}
    with serving(tmp_path, tenants={TENANT: {"repositories": {}, **place}}) as found:
        yield found


def fetched(running: Running, url: str, verb: str = "fetch") -> httpx.Response:
    """Ask for what lies at a URL."""
    return running.client.post(f"/v1/{TENANT}/resources/{verb}/got", json={"url": url})


def test_no_way_of_writing_it_leads_out_of_what_is_allowed(
    running: Running, server: FaultyServer
) -> None:
    for verb in ("fetch", "register"):
        for way in CLIMBS:
            reply = fetched(running, f"{server.url}/pub/{way}", verb)
            assert reply.status_code == 400, (way, reply.text)
            assert "s3cret" not in reply.text
        for way in ("/public/x", "/private/x", "/PUB/x", "//pub/x", "/pub%2fx"):
            assert fetched(running, f"{server.url}{way}", verb).status_code == 400, way
    assert not server.seen


def test_a_name_is_encoded_once(running: Running, server: FaultyServer) -> None:
    with_login = bool(running.application.gateway.tenants[TENANT].config.sources)
    for way, data in (("a%20b.txt", b"named"), ("x", b"fine"), ("100%25", b"percent")):
        for url in (f"{server.url}/pub/{way}", f"{server.url.replace('http', 'HTTP')}/pub/{way}"):
            reply = fetched(running, url)
            assert reply.status_code == 201, reply.text
            got = running.client.get(f"/v1/{TENANT}/resources/download/got")
            assert got.content == data
    assert all((one.headers.get("Authorization") == LOGIN) == with_login for one in server.seen)


def test_each_hop_has_to_be_allowed_anew(running: Running, server: FaultyServer) -> None:
    """And the login goes no further than where it is for, though it be the same server."""
    for target in ("/private/x", "/pub/../private/x", "/pub/%2e%2e/private/x", "//localhost/x"):
        server.seen.clear()
        server.script("/pub/x", redirect(target if target[:2] == "//" else server.url + target))
        assert fetched(running, f"{server.url}/pub/x").status_code >= 400, target
        assert [one.path for one in server.seen] == ["/pub/x"], target
    server.script("/pub/x", redirect(f"{server.url}/pub/a%20b.txt"))
    assert fetched(running, f"{server.url}/pub/x").status_code == 201
    assert running.client.get(f"/v1/{TENANT}/resources/download/got").content == b"named"


def test_a_hop_into_another_private_server_is_not_made(
    running: Running, server: FaultyServer
) -> None:
    with FaultyServer() as inner:
        inner.files["/x"] = b"s3cret"
        server.script("/pub/x", redirect(f"{inner.url}/x"))
        assert fetched(running, f"{server.url}/pub/x").status_code >= 400
        assert not inner.seen
        assert not inner.requests


def test_what_is_read_of_a_catalogued_origin_is_held_to_it_too(
    tmp_path: Path, server: FaultyServer
) -> None:
    with FaultyServer() as inner, serving(tmp_path) as running:
        inner.files["/x"] = b"s3cret"
        end = running.application.gateway.tenants[TENANT].storages.end(f"{server.url}/pub")
        assert end.storage.fetch("x").data == b"fine"
        for target in (f"{inner.url}/x", f"{server.url}/private/x"):
            server.script("/pub/x", redirect(target))
            with pytest.raises(CatalogError, match="private network"):
                end.storage.fetch("x")
        for climbing in ("../private/x", "a/../../private/x", "/private/x", ""):
            with pytest.raises(CatalogError, match="unsafe path"):
                end.storage.read(climbing)
        assert not inner.seen


def test_a_connection_goes_where_the_name_was_found_to_lead(
    faulty_server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is looked at first, and private a moment later."""
    faulty_server.files["/x"] = b"s3cret"
    asked: list[str] = []

    def turning(host: str, port: int, *_: object, **__: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", turning)
    url = f"http://turning.example:{faulty_server.port}/x"
    with (
        ExternalUrls((), (), ()).open(url) as (end, path),
        pytest.raises(CatalogError, match="private network"),
    ):
        end.storage.fetch(path)
    assert asked == ["turning.example"] * 2
    assert not faulty_server.requests


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),  # noqa: S104
        *("192.88.99.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fec0::1"),
        *("ff02::1", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "::8.8.8.8", "64:ff9b::808:808"),
        *("64:ff9b:1::a00:1", "2002:a00:1::", "2001:0:a00:1::1", "2001:db8::1"),
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert is_public("8.8.8.8")
    assert is_public("2606:4700:4700::1111")


@pytest.mark.parametrize("listed", ["s3://bucket/", "http://ann@host/", "http://host/../x", "pub"])
def test_what_takes_a_login_is_not_listed(listed: str) -> None:
    with pytest.raises(ValueError, match=r"external|sources|URL|unsafe"):
        GatewayConfig.model_validate({"tenants": {"a": {"external": [listed]}}})


def test_a_query_is_passed_on_or_refused(running: Running, server: FaultyServer) -> None:
    server.files["/pub/x?signature=a%2Fb"] = b"signed"
    reply = fetched(running, f"{server.url}/pub/x?signature=a%2Fb")
    if running.application.gateway.tenants[TENANT].config.sources:  # it has one of its own
        assert (reply.status_code, "query" in reply.text) == (400, True)
        return
    assert reply.status_code == 201
    assert {one.path for one in server.seen} == {"/pub/x?signature=a%2Fb"}


S3 = {
    "type": "s3",
    "bucket": "bucket",
    "prefix": "acme",
    "endpoint": "http://127.0.0.1:1",
    "access_key_id": "key",
    "secret_access_key": "s3cret",
}


def test_an_address_inside_a_storage_is_opened_with_its_credentials_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-machine")
    with serving(tmp_path, tenants={TENANT: {"repositories": {"shelf": S3}}}) as running:
        tenant = running.application.gateway.tenants[TENANT]
        address = tenant.served("shelf").address
        for inside in (address, f"{address}/a", f"{address}/a b/c", f"{address}/.entrepot/x"):
            found = tenant.storages.repository(inside)
            assert found.address == inside
            assert found.storage.access_key_id == "key"
            assert found.storage.secret_access_key.get_secret_value() == "s3cret"
        outside = (f"{address}x", address.removesuffix("/acme"), "s3://other/x", "sftp://host/x")
        for one in outside:
            with pytest.raises(RepositoryNotFound, match="sources"):
                tenant.storages.repository(one)
        led = tenant.external_urls()._resolve(f"{address}/a%20b")
        assert (led.path, led.repository.storage.access_key_id) == ("a b", "key")
        for one in (f"{address}x/a", "s3://other/x"):
            with pytest.raises(InvalidInput, match="no repository of this tenant"):
                tenant.external_urls().check(one)
