"""The page docs/rest.md: it names every route, and each of its examples is run by curl."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from catalog.settings import Settings
from tests.flows.guide import DOCS, blocks
from tests.gateway.with_prefect import Site, fill, site, until
from tests.servers.nginx import NginxServer

pytestmark = pytest.mark.timeout(1200)
PAGE = "rest.md"
SLOW = "/v1/acme/repositories/slow/sync"
ASK = 'set -e; ask() { curl -sS --fail-with-body -H "Authorization: Bearer $TOKEN" "$@"; }; '
ROUTE = re.compile(r"`((?:[A-Z]+`, `)*[A-Z]+) (/v1/[^`]+)`((?:, `/[^`]+`)*)")


@pytest.fixture
def mirror(nginx_server: NginxServer) -> str:
    """Serve a file in place of the mirror of the page."""
    (nginx_server.root / "a.iso").write_bytes(b"image")
    return nginx_server.http


@pytest.fixture
def whole(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """Run server, worker and gateway."""
    with site(tmp_path_factory.mktemp("site"), external=[mirror]) as found:
        fill(found.folder / "drop", 5)
        fill(found.folder / "slow", 20, size=200_000)  # twenty seconds at its pace
        (found.folder / "notes.txt").write_text("it is may")
        yield found


def named(*pages: Path) -> set[tuple[str, str]]:
    """Return every method and path that pages name."""
    found: set[tuple[str, str]] = set()
    text = "\n".join(page.read_text() for page in pages)
    for methods, path, further in ROUTE.findall(text):
        parent = path.partition("/resources/")[0] + "/resources"
        paths = [path, *(parent + one for one in re.findall(r"`(/[^`]+)`", further))]
        found |= {(method, one) for method in methods.split("`, `") for one in paths}
    return found


def test_a_page_names_every_route_and_this_one_no_other(tmp_path: Path) -> None:
    from gateway.app import create_app  # noqa: PLC0415 - it loads Prefect, which takes seconds
    from gateway.config import default  # noqa: PLC0415

    settings = Settings(catalog=tmp_path / "catalog.duckdb")
    described = create_app(default("acme"), settings).api.openapi()
    routes = {
        (method.upper(), path)
        for path, methods in described["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    }

    assert routes <= named(*DOCS.rglob("*.md"))
    assert named(DOCS / PAGE) <= routes


@pytest.mark.slow
def test_every_example_does_what_it_says(whole: Site, mirror: str) -> None:
    names = {
        "GATEWAY": f"{str(whole.client.base_url).rstrip('/')}/v1/acme",
        "TOKEN": whole.tokens["acme-admin"],
    }
    lines = [
        line
        for block in blocks(PAGE)
        if block.language == "sh" and block.reason is None
        for line in block.code.splitlines()
    ]
    assert len(lines) > 40
    for line in lines:
        if "/cancel" in line:
            begun = whole.ask("POST", SLOW, json={"destinations": ["shelf"]}).json()["run"]
            names["FLOW_RUN"] = begun["flow_run_id"]
        answer = run(line.replace("https://mirror.example", mirror), names, whole.folder)
        names |= learned(whole, answer, "Cancelled" if "/cancel" in line else "Completed")


def run(line: str, names: Mapping[str, str], folder: Path) -> str:
    """Run one line of the page, and return what it prints."""
    done = subprocess.run(
        ["bash", "-c", ASK + line],
        env={**os.environ, **names},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr, done.stdout)
    return done.stdout


def learned(whole: Site, answer: str, end: str) -> dict[str, str]:
    """Return the ids that an answer tells; where it is of a run, wait for its end."""
    try:
        told: Any = json.loads(answer)
    except ValueError:
        return {}  # a manifest, lines, or bytes
    if not isinstance(told, dict):
        return {}
    found: dict[str, str] = {"ID": told["id"]} if "id" in told else {}
    begun = told.get("run")
    if isinstance(begun, dict) and begun["ended"] is None:
        place = f"/v1/acme/flow-runs/{begun['flow_run_id']}"
        ended = until(
            lambda: whole.ask("GET", place).json(), lambda one: one["run"]["ended"] is not None
        )
        assert ended["run"]["state"] == end, ended
        found["FLOW_RUN"] = begun["flow_run_id"]
        if ended["run"]["flow"] == "plan":
            found["PLAN"] = ended["results"][0]["plan"]
        if ended["run"]["flow"] == "sync":
            found["RUN"] = ended["run"]["run_id"]
    return found
