"""What somebody stored does not run in the origin of the gateway, by no door."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from catalog.access.grants import Role
from tests.browser.conftest import QUIET
from tests.browser.test_gateway_pages import program_of_chromium
from tests.gateway.conftest import Running, serving
from tests.servers.faulty import FaultyServer, Reply, status

SCRIPT = "fetch('/v1/mytenant/resources/upload/pwned', {method: 'PUT', body: 'x'})"
HTML = f"<!DOCTYPE html><title>evil</title><script>{SCRIPT}</script><p>evil"
XHTML = f'<html xmlns="http://www.w3.org/1999/xhtml"><script>{SCRIPT}</script></html>'
SVG = f'<svg xmlns="http://www.w3.org/2000/svg"><script>{SCRIPT}</script></svg>'
EVIL = {
    "evil.html": HTML,
    "evil.svg": SVG,
    "evil.xhtml": XHTML,
    "evil.xml": XHTML,
    "evil.shtml": HTML,
    "evil.txt": HTML,
    "evil": HTML,
    "evil.unknown": HTML,
    "evil.json": HTML,
    "evil.js": SCRIPT,
    "evil.mht": HTML,
    "docs/index.html": HTML,
}


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Run a browser."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program_of_chromium(), args=QUIET)
        yield found
        found.close()


@pytest.fixture
def running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: object
) -> Generator[Running]:
    """A gateway that serves evil files, stored and from an upstream, and holds evil resources."""
    del prefect_server
    from flows.sync import sync  # noqa: PLC0415 - it loads Prefect

    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_TENANT", "mytenant")
    for name, text in EVIL.items():
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    sync(str(tmp_path / "source"), [str(tmp_path / "shelf")])
    with FaultyServer() as upstream:
        for name, text in EVIL.items():
            upstream.files[f"/far/{name}"] = text.encode()
            upstream.script(f"/far/{name}", *[_as_html] * 3)
        served = {"repository": f"{tmp_path}/shelf/", "upstream": f"{upstream.url}/"}
        tenants = {"mytenant": {"repositories": {"shelf": served}}}
        with serving(tmp_path, tenants=tenants) as found:
            for name, text in EVIL.items():
                url = f"/v1/mytenant/resources/upload/{name}"
                kind = {"Content-Type": "text/html"}
                made = found.client.put(url, content=text.encode(), headers=kind)
                assert made.status_code == 201
            yield found


def _as_html(reply: Reply) -> bool:
    """Let an upstream say all that could let its bytes run."""
    reply.headers |= {
        "Content-Type": "text/html",
        "Content-Security-Policy": "script-src * 'unsafe-inline'",
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "",
        "Access-Control-Allow-Origin": "*",
        "X-Accel-Redirect": "/secret",
        "Clear-Site-Data": '"*"',
        "Refresh": "0; url=/",
    }
    return False


def opened(page: Page, url: str) -> None:
    """Go somewhere; a browser that saves the file says that it does not go there."""
    try:
        page.goto(url, wait_until="load")
    except Error as error:
        if "Download is starting" not in str(error) and "ERR_ABORTED" not in str(error):
            raise
    page.wait_for_timeout(150)


def test_it_would_run_if_nothing_forbade_it(browser: Browser) -> None:
    """So the next test can fail."""
    with FaultyServer() as server:
        server.script("/evil.html", status(200, {"Content-Type": "text/html"}, HTML.encode()))
        context = browser.new_context()
        page = context.new_page()
        with page.expect_request("**/pwned"):
            page.goto(f"{server.url}/evil.html")
        context.close()


def test_no_stored_bytes_run_in_a_browser_that_is_logged_in(
    running: Running, browser: Browser
) -> None:
    _, token = running.catalog.tokens.create(Role.WRITER)
    login = {"username": "me", "password": token}
    context = browser.new_context(base_url=running.url, http_credentials=login)  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(f"{one.method} {urlsplit(one.url).path}"))
    opened(page, "/browse/mytenant/")  # the login is remembered from here on
    doors = [f"/content/mytenant/shelf/{name}" for name in EVIL]
    doors += [f"/content/mytenant/shelf@1/{name}" for name in EVIL]
    doors += [f"/content/mytenant/shelf/far/{name}" for name in EVIL]
    doors += [f"/v1/mytenant/resources/download/{name}" for name in EVIL]
    doors += ["/content/mytenant/shelf/docs/", "/content/mytenant/shelf/PULP_MANIFEST"]
    for door in doors:
        opened(page, door)
    assert not [one for one in asked if "pwned" in one], asked
    listed = running.client.get("/v1/mytenant/resources/list", headers=running.tokens(token))
    assert "pwned" not in listed.text
    for door in doors:
        reply = running.client.get(door, headers=running.tokens(token))
        assert reply.status_code == 200, door
        assert reply.headers["Content-Security-Policy"].startswith("sandbox"), door
        assert reply.headers["X-Content-Type-Options"] == "nosniff", door
        kind = reply.headers["Content-Type"]
        if "html" in kind or "xml" in kind or "javascript" in kind:
            assert reply.headers["Content-Disposition"].startswith("attachment"), door
        for name in ("X-Accel-Redirect", "Access-Control-Allow-Origin", "Refresh"):
            assert name not in reply.headers, door
    context.close()
