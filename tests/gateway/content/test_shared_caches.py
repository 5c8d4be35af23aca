"""A cache before the gateway, nginx's, keeps what anybody may read, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from catalog.access.grants import Role
from tests.gateway.conftest import Running, serving
from tests.servers.process import free_ports, listens, program
from tests.servers.process import running as process

CONFIG = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=all:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {upstream};
            proxy_set_header Host $host;
            proxy_cache all;
            proxy_cache_methods GET HEAD;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
}}
"""


@contextmanager
def cache(folder: Path, upstream: str) -> Generator[httpx.Client]:
    """Run nginx with a cache before a server."""
    (port,) = free_ports(1)
    user = "user root;" if os.getuid() == 0 else ""
    place = folder / "nginx"
    place.mkdir()
    file = place / "nginx.conf"
    file.write_text(CONFIG.format(folder=place, port=port, upstream=upstream, user=user))
    with (
        process(
            [program("nginx"), "-p", str(place), "-c", str(file)],
            lambda: listens(port),
            log=place / "log",
        ),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield client


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: object
) -> Generator[tuple[Running, httpx.Client]]:
    """A gateway of a closed and an anonymous tenant with one file each, behind a cache."""
    del prefect_server
    from flows.sync import sync  # noqa: PLC0415 - it loads Prefect

    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_text("alpha")
    tenants = {}
    for name in ("closed", "free"):
        monkeypatch.setenv("ENTREPOT_TENANT", name)
        sync(str(tmp_path / "source"), [str(tmp_path / name)])
        shelf = {"shelf": f"{tmp_path / name}/"}
        tenants[name] = {"repositories": shelf, "anonymous": name == "free"}
    with serving(tmp_path, tenants=tenants) as running, cache(tmp_path, running.url) as client:
        yield running, client


def test_a_shared_cache_keeps_what_anybody_may_read_alone(
    site: tuple[Running, httpx.Client],
) -> None:
    running, client = site
    made, text = running.catalog.tokens.create(Role.READER)
    shown = running.tokens(text)
    free, closed = "/content/free/shelf@1/a", "/content/closed/shelf@1/a"
    seen = [client.get(free) for _ in range(2)]
    assert [(one.text, one.headers["X-Cache"]) for one in seen] == [
        ("alpha", "MISS"),
        ("alpha", "HIT"),
    ]
    assert "public" in seen[0].headers["Cache-Control"]

    download = "/v1/closed/resources/download/r"
    _, writer = running.catalog.tokens.create(Role.WRITER)
    upload = {**running.tokens(writer), "Content-Type": "text/plain"}
    assert client.put("/v1/closed/resources/upload/r", content=b"r", headers=upload).is_success
    listed = "/v1/closed/repositories/"
    for path in (closed, "/content/closed/shelf/a", "/content/closed/shelf/", download, listed):
        for _ in range(2):
            one = client.get(path, headers=shown)
            assert (one.status_code, one.headers["X-Cache"]) == (200, "MISS"), path
            assert one.headers["Cache-Control"].startswith("private"), path
        nobody = client.get(path)
        assert (nobody.status_code, nobody.headers["X-Cache"]) == (401, "MISS"), path
        assert nobody.headers["Cache-Control"] == "no-store"
    slashed = client.get("/content/closed/shelf", headers=shown)
    assert (slashed.status_code, client.get("/content/closed/shelf").status_code) == (301, 401)

    wanted = {"path": "a", "version": 1, "seconds": 60}
    reply = client.post("/v1/closed/repositories/shelf/links", json=wanted, headers=shown)
    assert (reply.status_code, reply.headers["Cache-Control"]) == (201, "no-store")
    link = reply.json()["url"].partition("/content/")[2]
    for _ in range(2):
        one = client.get(f"/content/{link}")
        assert (one.text, one.headers["X-Cache"]) == ("alpha", "MISS")
        assert one.headers["Cache-Control"] == "private, no-store"
    running.catalog.tokens.revoke(made.token_id)
    assert client.get(closed, headers=shown).status_code == 401
    for status in ("/no/such", "/content/free/shelf@1/nothing"):
        assert client.get(status).headers["Cache-Control"] == "no-store"
