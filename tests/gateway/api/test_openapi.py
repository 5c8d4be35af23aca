"""The gateway keeps to its own description: schemathesis asks every route, rightly and wrongly."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest

from tests.gateway.conftest import Running
from tests.gateway.with_prefect import fill, site
from tests.servers.process import program

EXAMPLES = 15  # of each route, beside those that its schema's bounds ask for


@pytest.mark.timeout(1200)
@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with site(tmp_path) as found:
        fill(found.folder / "drop", 5)
        given = {"destinations": ["shelf"]}
        found.ended(found.ask("POST", "/v1/acme/repositories/drop/sync", json=given))
        base = str(found.client.base_url).rstrip("/")
        config = Path(__file__).with_name("schemathesis.toml")
        done = subprocess.run(
            [
                *(program("schemathesis"), "--config-file", config, "run", f"{base}/openapi.json"),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
                *("-H", f"Authorization: Bearer {found.tokens['acme-admin']}"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:]
    assert " passed" in done.stdout


def test_errors_of_every_kind_have_one_shape(running: Running) -> None:
    for method, path, status in (
        ("GET", "/v1/mytenant/resources/download/nope", 404),
        ("GET", "/v1/nobody/resources/list", 404),
        ("GET", "/v1/mytenant/resources/list?limit=x", 422),
        ("GET", "/nowhere", 404),
        ("GET", "/content/mytenant/a\nb/c", 404),
        ("PATCH", "/v1/mytenant/resources/list", 405),
        ("PUT", "/v1/mytenant/resources/upload/a%5Cb", 400),
    ):
        url = httpx.URL(running.url).copy_with(raw_path=path.replace("\n", "%0A").encode())
        reply = running.client.request(method, url)
        told = reply.json()
        assert reply.status_code == status, path
        assert set(told) == {"error", "request_id"}
        assert set(told["error"]) == {"kind", "message"}
        assert told["request_id"] == reply.headers["X-Request-ID"]
    assert running.client.patch("/v1/mytenant/resources/list").headers["Allow"] == "GET"
