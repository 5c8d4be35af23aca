"""Whether it is open is decided once, at start; a catalog that is not there opens nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.access.grants import Role
from catalog.catalog import Catalog
from catalog.errors import CatalogUnavailable, InvalidInput
from catalog.settings import Settings
from gateway.access.peer import Peer
from gateway.serve import ServerOptions, check_exposure
from tests.gateway.cli_process import Gateway, catalog_of, gateway, token
from tests.gateway.conftest import Running
from tests.servers.process import program

ROUTES = (
    ("GET", "/v1/acme/resources/list"),
    ("PUT", "/v1/acme/resources/upload/new"),
    ("GET", "/v1/acme/resources/download/kept"),
    ("DELETE", "/v1/acme/resources/delete/kept"),
    ("POST", "/v1/acme/resources/uploads"),
    ("GET", "/v1/acme/artifacts/metadata"),
    ("GET", "/v1/acme/repositories/"),
    ("GET", "/v1/acme/runs"),
    ("GET", "/v1/acme/profile"),
    ("GET", "/content/acme/"),
    ("GET", "/content/acme/shelf/a"),
    ("GET", "/content/acme/shelf/a?expires=1&signature=x"),
    ("GET", "/browse/acme/"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
    ("GET", "/no/such/route"),
)


def moved(file: Path) -> Callable[[], object]:
    """Move the catalog away."""
    file.rename(file.with_suffix(".away"))
    return lambda: file.with_suffix(".away").rename(file)


def emptied(file: Path) -> Callable[[], object]:
    """Put an empty file in its place."""
    back = moved(file)
    file.touch()
    return back


def exchanged(file: Path) -> Callable[[], object]:
    """Put another catalog in its place, which knows of no token."""
    back = moved(file)
    other = file.parent / "other"
    Catalog.open(Settings(catalog=other / "c.duckdb")).runs.all()
    shutil.copy(other / "c.duckdb", file)
    return back


def broken(file: Path) -> Callable[[], object]:
    """Put something in its place that is no catalog."""
    back = moved(file)
    file.write_bytes(os.urandom(300_000))
    return back


def bare(file: Path) -> Callable[[], object]:
    """Move the folder beside it away."""
    beside = file.with_name(f"{file.name}.d")
    beside.rename(beside.with_suffix(".away"))
    return lambda: beside.with_suffix(".away").rename(beside)


@pytest.mark.parametrize("door", ["with tokens", "open"])
def test_without_its_catalog_it_answers_503_and_goes_on_with_it(tmp_path: Path, door: str) -> None:
    shown = {} if door == "open" else token(tmp_path)
    with gateway(tmp_path) as one:
        kept = one.client.put("/v1/acme/resources/upload/kept", content=b"kept", headers=shown)
        assert kept.status_code == 201
        for gone in (moved, emptied, exchanged, broken, bare):
            back = gone(one.file)
            there = one.file.exists()
            for headers in ({}, shown, {"Host": "localhost"}):
                assert {code for _, code in asked(one, headers)} == {503}, gone
            assert one.client.get("/healthz").status_code == 200
            ready = one.client.get("/readyz")
            assert (ready.status_code, len(ready.json()["reasons"])) == (503, 1)
            assert one.file.exists() == there, "it made a catalog"
            if there and gone is not bare:
                one.file.unlink()
            back()
            assert one.client.get("/readyz").status_code == 200
            got = one.client.get("/v1/acme/resources/download/kept", headers=shown)
            assert (got.status_code, got.content) == (200, b"kept")
            listed = one.client.get("/v1/acme/resources/list", headers=shown).json()["metadata"]
            assert [each["name"] for each in listed] == ["kept"]
            assert one.client.get("/v1/acme/resources/list").status_code == (401 if shown else 200)
        assert "Traceback" not in one.log.read_text()


def asked(one: Gateway, headers: dict[str, str]) -> list[tuple[str, int]]:
    """Ask every route, and return what each said."""
    return [
        (f"{method} {path}", one.client.request(method, path, headers=headers).status_code)
        for method, path in ROUTES
    ]


def test_behind_a_proxy_no_name_and_no_header_leads_in(tmp_path: Path) -> None:
    """The proxy is believed who asks; without the catalog it leads nobody in."""
    shown = token(tmp_path)
    with gateway(tmp_path, "--host", "0.0.0.0", "--behind-proxy", "127.0.0.1") as one:  # noqa: S104
        url = "/v1/acme/resources/list"
        local = {"Host": "localhost", "X-Forwarded-For": "127.0.0.1"}
        assert one.client.get(url, headers=local).status_code == 401
        assert one.client.get(url, headers=shown).status_code == 200
        back = moved(one.file)
        for headers in (local, {**shown, **local}, {"Host": "localhost"}):
            assert one.client.get(url, headers=headers).status_code == 503
            made = one.client.put("/v1/acme/resources/upload/x", content=b"x", headers=headers)
            assert made.status_code == 503
        back()
        assert one.client.get(url, headers=shown).status_code == 200


def test_an_open_gateway_closes_with_the_first_token_and_stays_closed(tmp_path: Path) -> None:
    with gateway(tmp_path) as one:
        url = "/v1/acme/resources/list"
        assert one.client.get(url).status_code == 200
        made, _ = one.catalog().tokens.create(Role.READER)
        assert one.client.get(url).status_code == 401
        one.catalog().tokens.revoke(made.token_id)
        assert one.client.get(url).status_code == 401


def test_an_open_gateway_answers_nobody_whom_somebody_passed_on(running: Running) -> None:
    told = (
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 nginx"},
        {"X-Real-IP": "203.0.113.9"},
        {"Host": "evil.example"},
        {"Host": ""},
    )
    for url in ("/v1/mytenant/resources/list", "/content/mytenant/", "/browse/mytenant/"):
        assert running.client.get(url).status_code == 200
        for header in told:
            assert running.client.get(url, headers=header).status_code == 403, (url, header)


@pytest.mark.parametrize("client", ["10.0.0.9", "::ffff:10.0.0.9", "", "unix", "localhost"])
def test_the_socket_tells_who_is_local(client: str) -> None:
    assert Peer("127.0.0.1", "127.0.0.1", "localhost").why_not_local() is None
    assert Peer(client, "127.0.0.1", "localhost").why_not_local() is not None
    assert Peer("127.0.0.1", client, "localhost").why_not_local() is not None


def test_a_gateway_whose_catalog_is_gone_does_not_begin_anew(tmp_path: Path) -> None:
    token(tmp_path)
    with gateway(tmp_path) as one:
        assert one.client.get("/v1/acme/resources/list").status_code == 401
    one.file.rename(tmp_path / "away")
    done = subprocess.run(
        [program("entrepot"), "gateway", "--config", str(tmp_path / "gateway.yaml")],
        env={**os.environ, "ENTREPOT_CATALOG": str(one.file), "ENTREPOT_TENANT": "acme"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "which a gateway has used before, is missing" in done.stderr
    assert not one.file.exists()


def test_behind_a_proxy_it_takes_a_token_wherever_it_listens() -> None:
    with pytest.raises(InvalidInput, match="behind a proxy"):
        check_exposure(ServerOptions(proxies=("127.0.0.1",)), tokens=False)
    check_exposure(ServerOptions(proxies=("127.0.0.1",)), tokens=True)


def test_a_catalog_that_was_settled_on_is_never_made_again(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path)
    catalog.pin()
    other = catalog.for_tenant("beta")
    catalog.path.unlink()
    for ask in (catalog.runs.all, other.tokens.all, lambda: other.tokens.create(Role.ADMIN)):
        with pytest.raises(CatalogUnavailable):
            ask()
    assert not catalog.path.exists()
