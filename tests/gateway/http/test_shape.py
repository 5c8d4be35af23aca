"""What a request must be like: one Host, known codings and methods, one length; in good time."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.gateway.cli_process import gateway
from tests.gateway.conftest import Running, serving
from tests.gateway.upload_folders import path_of, put


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """One gateway that each test asks."""
    with serving(tmp_path_factory.mktemp("gateway")) as running:
        put(running.client, "a", b"alpha")
        yield running


def raw(port: int, text: str, *, wait_s: float = 60) -> str:
    """Send bytes as they are, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), wait_s) as one:
        one.sendall(text.encode("latin-1"))
        found = b""
        while data := one.recv(65536):
            found += data
    return found.decode("latin-1")


LIST = "/v1/mytenant/resources/list"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (f"GET {LIST} HTTP/1.1\r\nHost: localhost\r\n", 200),
        (f"GET {LIST} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", 400),
        (f"GET {LIST} HTTP/1.1\r\n", 400),
        (f"PROPFIND {LIST} HTTP/1.1\r\nHost: localhost\r\n", 501),
        (f"BREW {LIST} HTTP/1.1\r\nHost: localhost\r\n", 400),
        (f"PUT {LIST} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
        (f"PUT {LIST} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 2\r\n", 400),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n", 404),
        ("GET /content/mytenant/x/..%2f..%2fetc HTTP/1.1\r\nHost: localhost\r\n", 404),
    ],
    ids=lambda one: repr(one)[:60],
)
def test_a_request_can_be_read_in_one_way(shared: Running, head: str, code: int) -> None:
    port = int(shared.url.rpartition(":")[2])
    reply = raw(port, head + "Connection: close\r\n\r\n")
    assert reply.split(" ", 2)[1] == str(code), reply
    if code == 501:
        assert '"kind": "NotImplemented"' in reply


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/content/mytenant/x/a", {"GET", "HEAD"}),
        ("DELETE", "/content/mytenant/", {"GET", "HEAD"}),
        ("PUT", "/metrics", {"GET", "HEAD"}),
        ("DELETE", LIST, {"GET"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("PATCH", path_of("upload", "a"), {"POST", "PUT"}),
    ],
)
def test_a_method_that_a_path_does_not_take(
    shared: Running, method: str, path: str, allowed: set[str]
) -> None:
    reply = shared.client.request(method, path)
    assert reply.status_code == 405
    assert set(reply.headers["Allow"].split(", ")) == allowed
    assert reply.json()["error"]["kind"] == "MethodNotAllowed"


def test_a_list_may_be_sent_in_several_headers_and_if_range_is_none(shared: Running) -> None:
    url = path_of("download", "a")
    etag = shared.client.head(url).headers["ETag"]
    several = [("If-None-Match", '"other"'), ("If-None-Match", etag)]
    assert shared.client.get(url, headers=several).status_code == 304
    part = {"Range": "bytes=0-1"}
    assert shared.client.get(url, headers={**part, "If-Range": etag}).status_code == 206
    for tag in (f'"other", {etag}', f"{etag}, {etag}", "*", f"W/{etag}"):
        assert shared.client.get(url, headers={**part, "If-Range": tag}).status_code == 200, tag


UPLOAD = (
    "PUT /v1/acme/resources/upload/chunked HTTP/1.1\r\nHost: localhost\r\n"
    "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LONG = "a" * 2**20


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (UPLOAD + "3;name=value\r\nabc\r\n0\r\n\r\n", 201),
        (UPLOAD + "3\r\nabc\r\n0\r\nIf-None-Match: *\r\nX-Last: b\r\n\r\n", 201),
        (UPLOAD + "1\r\na\r\n" * 100_000 + "0\r\n\r\n", 201),
        (UPLOAD + f"3;{LONG}\r\nabc\r\n0\r\n\r\n", 400),
        (UPLOAD + f"3;{LONG}", 400),
        (UPLOAD + f"1;{'b' * 1000}\r\na\r\n" * 2000 + "0\r\n\r\n", 400),
        (UPLOAD + f"3\r\nabc\r\n0\r\nX-Last: {LONG}\r\n\r\n", 400),
        (UPLOAD + "3\r\nabc\r\n0\r\n" + "X-Last: b\r\n" * 100_000 + "\r\n", 400),
        (f"GET {LIST} HTTP/1.1\r\nHost: localhost\r\nX-Long: {LONG}", 431),
        (f"GET /{LONG}", 431),
    ],
    ids=lambda one: repr(one)[-40:],
)
def test_what_is_no_body_is_bounded(tmp_path: Path, text: str, code: int) -> None:
    with gateway(tmp_path) as one:
        reply = raw(one.port, text)
        assert reply.split(" ", 2)[1] == str(code), reply[:500]
        kept = one.client.get("/v1/acme/resources/list").json()["metadata"]
        assert len(kept) == (code == 201)
        again = raw(one.port, UPLOAD + "3\r\nabc\r\n0\r\n\r\n")
        assert again.startswith("HTTP/1.1 201")
        assert "Traceback" not in one.log.read_text()


def test_who_sends_nothing_is_let_go(tmp_path: Path) -> None:
    limits = {"head_s": 1, "body_idle_s": 1}
    with gateway(tmp_path, limits=limits) as one:
        began = time.monotonic()
        assert " 408 " in raw(one.port, f"GET {LIST} HTTP/1.1\r\nHost: local")
        upload = "PUT /v1/acme/resources/upload/slow HTTP/1.1\r\nHost: localhost\r\n"
        reply = raw(one.port, f"{upload}Content-Length: 100\r\n\r\nabc")
        assert reply.startswith("HTTP/1.1 408 ")
        assert "no data of the body was received for 1 s" in reply
        assert time.monotonic() - began < 60
        assert one.client.get("/v1/acme/resources/list").json()["metadata"] == []
        assert "Traceback" not in one.log.read_text()


@pytest.mark.usefixtures("prefect_server")
def test_what_was_synced_under_another_tenant_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - it loads Prefect

    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_TENANT", "default")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_text("alpha")
    sync(str(tmp_path / "source"), [str(tmp_path / "shelf")])
    tenants = {"acme": {"repositories": {"shelf": f"{tmp_path}/shelf/", "new": f"{tmp_path}/n/"}}}
    with serving(tmp_path, tenants=tenants) as running:
        versions = "/v1/acme/repositories/shelf/versions"
        for path in (
            *("/content/acme/shelf/a", "/browse/acme/repositories/shelf/"),
            *(versions, f"{versions}/latest", f"{versions}/1/content"),
        ):
            reply = running.client.get(path)
            assert reply.status_code == 404
            assert "synced by another one" in reply.text, path
        nothing = running.client.get("/content/acme/new/a")
        assert (nothing.status_code, "another tenant" in nothing.text) == (404, False)
