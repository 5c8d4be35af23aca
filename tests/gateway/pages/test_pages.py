"""The pages: what they show, that they hold no script and ask no other host, and their errors."""

from __future__ import annotations

import re
from collections.abc import Generator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from catalog.access.grants import Role
from tests.catalog.catalog_steps import SOURCE, THERE, file
from tests.gateway.seeded_gateway import Filled, filled, listed

ODD = '<b>"x"</b> & ?#%41.txt'
PAGES = [
    "/browse/mytenant/",
    "/browse/mytenant/repositories/there/",
    "/browse/mytenant/repositories/there/versions/2/",
    "/browse/mytenant/repositories/there/versions/latest/?search=b",
    "/browse/mytenant/repositories/there/diff?from=1&to=2",
    "/browse/mytenant/resources",
    "/browse/mytenant/runs",
    "/browse/mytenant/runs/second",
    "/browse/mytenant/runs/none",
    "/browse/none",
]


class Tags(HTMLParser):
    """Collects every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag."""
        self.found.append((tag, dict(attrs)))

    def links(self) -> list[str]:
        """Return where the page leads, and what it loads."""
        return [
            value
            for _, attributes in self.found
            for name, value in attributes.items()
            if name in {"href", "src", "action"} and value
        ]


@pytest.fixture
def full(tmp_path: Path) -> Generator[Filled]:
    """Run a gateway over a catalog in which things happened."""
    with filled(tmp_path) as found:
        yield found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_asks_nobody_and_can_be_read_aloud(full: Filled, path: str) -> None:
    answer = full.running.client.get(path, follow_redirects=True)
    page = Tags(answer.text)
    tags = [tag for tag, _ in page.found]

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not {"script", "style", "iframe", "img"} & set(tags)
    assert not [name for _, attributes in page.found for name in attributes if name[:2] == "on"]
    assert not [name for _, attributes in page.found for name in attributes if name == "style"]
    assert all(one.startswith(("/", "?", "#")) and one[:2] != "//" for one in page.links())
    assert tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption")
    labels = {attributes.get("for") for tag, attributes in page.found if tag == "label"}
    fields = {attributes["id"] for tag, attributes in page.found if tag in {"input", "select"}}
    assert fields <= labels
    assert all("scope" in attributes for tag, attributes in page.found if tag == "th")


def test_every_link_of_every_page_leads_somewhere(full: Filled) -> None:
    with full.running.client.stream("PUT", "/v1/mytenant/resources/upload/a/b.txt", content=b"x"):
        pass
    seen: set[str] = set()
    left = ["/"]
    while left:
        path = left.pop().partition("#")[0]
        if not path or path in seen:
            continue
        seen.add(path)
        answer = full.running.client.get(path, follow_redirects=True)
        if path.startswith("/content/"):
            continue  # the bytes of these versions lie nowhere
        if "/manifest" not in path:
            assert answer.status_code == 200, (path, answer.text)
        if answer.headers["content-type"].startswith("text/html"):
            left += Tags(answer.text).links()
    assert len(seen) > 20
    assert "/v1/mytenant/resources/download/a/b.txt?version=0" in seen


def test_a_version_is_shown_as_folders_and_searched(full: Filled) -> None:
    paths = ["top.txt", *(f"in/{number:03}.csv" for number in range(250)), f"odd/{ODD}"]
    number = listed(full, SOURCE, [file(path) for path in paths])
    place = f"/browse/mytenant/repositories/source/versions/{number}/"
    client = full.running.client

    root = client.get(place).text
    first, second = (client.get(f"{place}?folder=in{more}").text for more in ("", "&offset=200"))
    odd = client.get(f"{place}?folder=odd").text
    glob = client.get(place, params={"search": "**/00?.csv"}).text
    prefix = client.get(place, params={"search": "in/24"}).text

    assert "in/</a>" in root
    assert f'href="/content/mytenant/source@{number}/top.txt"' in root
    assert first.count(".csv</a>") == 200
    assert second.count(".csv</a>") == 50
    assert "offset=200" in first
    assert "<b>" not in odd
    assert (
        "odd/%3Cb%3E%22x%22%3C/b%3E%20%26%20%3F%23%2541.txt" not in odd
    )  # its slash is a folder's
    assert glob.count(".csv</a>") == prefix.count(".csv</a>") == 10
    assert client.get(f"{place}?folder=nowhere").status_code == 404


def test_a_diff_and_a_run_say_what_happened(full: Filled) -> None:
    client = full.running.client
    diff = client.get("/browse/mytenant/repositories/there/diff?from=1&to=2").text
    run = client.get("/browse/mytenant/runs/second").text

    assert re.findall(r'<td class="(\w+)">\1</td>', diff) == ["replaced", "added"]
    assert "d/bad.txt" in run
    assert "access-denied" in run
    assert "in_range" in run
    assert "not_null" in run


def test_a_browser_is_asked_for_a_token_and_shown_errors_as_pages(full: Filled) -> None:
    _, token = full.desk.catalog.tokens.create(Role.READER)
    client = full.running.client

    asked = client.get("/browse/mytenant/")
    let_in = client.get("/browse/mytenant/", auth=("anybody", token))
    wrong = client.get("/browse/mytenant/", auth=("anybody", "wrong"))
    elsewhere = client.get("/browse/other/", auth=("anybody", token))

    assert asked.status_code == wrong.status_code == 401
    assert "Basic" in asked.headers["www-authenticate"]
    assert "Token required" in asked.text
    assert let_in.status_code == 200
    assert elsewhere.status_code == 403
    assert "<h1>" in elsewhere.text
    assert client.get("/browse/style.css").status_code == 200


def test_the_front_page_asks_which_tenant_where_there_are_several(tmp_path: Path) -> None:
    tenants: dict[str, Any] = {"mytenant": {"repositories": {}}, "other": {"repositories": {}}}
    with filled(tmp_path, tenants=tenants) as full:
        page = full.running.client.get("/")
        chosen = full.running.client.get("/?tenant=other")

    assert "Choose a tenant" in page.text
    assert "other" not in page.text
    assert chosen.headers["location"] == "/browse/other/"


def test_a_report_leads_to_the_repository_that_has_its_address(full: Filled) -> None:
    client = full.running.client
    found = client.get("/browse/mytenant/version", params={"address": THERE, "number": 2})
    nowhere = client.get("/browse/mytenant/version", params={"address": "file:///x", "number": 2})

    assert found.headers["location"] == "/browse/mytenant/repositories/there/versions/2/"
    assert nowhere.status_code == 404
