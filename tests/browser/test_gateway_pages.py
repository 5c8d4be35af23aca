"""The gateway's pages in a browser that runs no script: on a desk, on a phone, in the dark.

Set ENTREPOT_SCREENSHOTS to a folder to look at what was seen.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, HttpCredentials, Page, expect, sync_playwright

from catalog.access.grants import Role
from catalog.catalog import Catalog
from tests.browser.conftest import QUIET
from tests.catalog.catalog_steps import SOURCE, file
from tests.gateway.seeded_gateway import Filled, filled, listed

expect.set_options(timeout=15_000)
DESK, PHONE = {"width": 1200, "height": 900}, {"width": 360, "height": 740}


@pytest.fixture
def full(tmp_path: Path) -> Generator[Filled]:
    """Run a gateway over a catalog in which things happened, and real bytes in one repository."""
    (tmp_path / "models").mkdir()
    tenants: dict[str, Any] = {
        "mytenant": {
            "repositories": {
                "there": "/there",
                "source": SOURCE,
                "models": str(tmp_path / "models"),
            }
        }
    }
    with filled(tmp_path, tenants=tenants) as found:
        store_models(found, tmp_path / "models")
        client = found.running.client
        upload = "/v1/mytenant/resources/upload/reports/may.txt?properties=author=bob"
        assert client.put(upload, content=b"it is may").status_code == 201
        yield found


def store_models(full: Filled, folder: Path) -> None:
    """Put files into a folder, and record what lies there twice."""
    for number in range(3):
        for name in ("a.bin", f"sub/{number}.bin", "sub/long-" + "x" * 60 + ".bin"):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(f"{name} {number}".encode())
        files = [
            file(one.relative_to(folder).as_posix(), one.stat().st_size, etag=str(number))
            for one in folder.rglob("*")
            if one.is_file()
        ]
        listed(full, f"file://{folder}", files)
    labels = {"stage": "prod"}
    full.desk.catalog.versions.label(f"file://{folder}", 2, labels)


def program_of_chromium() -> str:
    """Return the path of Chromium; without it a test is skipped."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; tests/servers/install does it")
    return chromium


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Run a browser."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program_of_chromium(), args=QUIET)
        yield found
        found.close()


@contextmanager
def reader(browser: Browser, catalog: Catalog, url: str, **how: Any) -> Generator[Page]:  # noqa: ANN401 - playwright's
    """Open a page as somebody with a token, whose browser runs no script."""
    _, token = catalog.tokens.create(Role.READER)
    login: HttpCredentials = {"username": "me", "password": token}
    context = browser.new_context(
        base_url=url, java_script_enabled=False, http_credentials=login, **how
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert all(one.startswith(url) for one in asked)
    context.close()


def seen(page: Page, name: str) -> None:
    """Keep what the page shows, where that is wanted."""
    if folder := os.environ.get("ENTREPOT_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"gateway-{name}.png", full_page=True)


def test_a_reader_finds_a_file_of_an_older_version_and_downloads_it(
    full: Filled, browser: Browser
) -> None:
    with reader(browser, full.desk.catalog, full.running.url, viewport=DESK) as page:
        page.goto("/")
        expect(page.get_by_role("heading", name="Repositories", level=1)).to_be_visible()
        seen(page, "1-repositories")
        page.get_by_role("link", name="models").click()
        expect(page.get_by_role("row", name="stage=prod")).to_be_visible()
        seen(page, "2-versions")
        page.get_by_role("link", name="3", exact=True).click()
        page.get_by_role("link", name="sub/").click()
        seen(page, "3-folder")
        with page.expect_download() as download:
            page.get_by_role("link", name="2.bin").click()
        assert download.value.path().read_bytes() == b"sub/2.bin 2"
        page.get_by_label("Path prefix").fill("**/*.bin")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("row")).to_have_count(6)
        seen(page, "4-search")
        page.get_by_role("link", name="Compare with version 2").click()
        expect(page.get_by_role("row", name="added sub/2.bin")).to_be_visible()
        seen(page, "5-diff")
        page.get_by_label("From version").fill("1")
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", name="version 1 to 3")).to_be_visible()


def test_a_reader_finds_a_resource_and_why_a_file_failed(full: Filled, browser: Browser) -> None:
    with reader(browser, full.desk.catalog, full.running.url, viewport=DESK) as page:
        page.goto("/")
        page.get_by_role("link", name="Resources").click()
        page.get_by_label("Name prefix").fill("reports/")
        page.get_by_role("button", name="Search").click()
        seen(page, "6-resources")
        with page.expect_download() as download:
            page.get_by_role("link", name="reports/may.txt").click()
        assert download.value.path().read_bytes() == b"it is may"
        page.get_by_role("link", name="Runs").click()
        seen(page, "7-runs")
        page.get_by_role("link", name="sync second").click()
        expect(page.get_by_role("row", name="d/bad.txt access-denied")).to_be_visible()
        expect(page.get_by_role("row", name="in_range")).to_be_visible()
        seen(page, "8-run")


def test_pages_fit_a_phone_and_the_dark(full: Filled, browser: Browser) -> None:
    models = "/browse/mytenant/repositories/models"
    with reader(
        browser, full.desk.catalog, full.running.url, viewport=PHONE, color_scheme="dark"
    ) as page:
        for name, path in (
            ("9-phone-repositories", "/"),
            ("10-phone-versions", f"{models}/"),
            ("11-phone-folder", f"{models}/versions/3/?folder=sub"),
            ("12-phone-diff", f"{models}/diff?from=1&to=3"),
            ("13-phone-run", "/browse/mytenant/runs/second"),
        ):
            page.goto(path)
            seen(page, name)
            box = page.locator("main").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE["width"]
            header = page.locator("header").bounding_box()
            assert header is not None
            assert header["width"] <= PHONE["width"]


def test_nobody_sees_a_page_without_a_token(full: Filled, browser: Browser) -> None:
    full.desk.catalog.tokens.create(Role.READER)
    context = browser.new_context(base_url=full.running.url, java_script_enabled=False)
    page = context.new_page()
    answer = page.request.get("/browse/mytenant/")

    assert answer.status == 401
    assert "Token required" in answer.text()
    context.close()
