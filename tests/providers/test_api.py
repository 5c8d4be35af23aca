"""Files that an API lists: pages, expressions, where credentials go, and what is refused."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    InvalidInput,
    ResourceChanged,
    ResourceNotFound,
    UnexpectedReply,
)
from catalog.model.digest import Digest
from catalog.model.gap import Gap, files_collecting_gaps
from catalog.model.outcome import Status
from catalog.model.resource import Resource
from providers.api.entries import Entry, Fields
from providers.api.settings import ApiSettings
from providers.base import Storage
from providers.testing.reading import ReadingConformance
from providers.testing.subject import OPTIONS, Subject, names
from tests.servers.faulty import FaultyServer
from tests.servers.process import free_ports
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import OPENED, delivery, end, folder, item, tree

LARGE = os.urandom(9 * 2**20)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close what a test opened."""
    yield
    while OPENED:
        OPENED.pop().close()


def opened(server: FaultyServer, **more: object) -> Storage:
    values = {"url": f"{server.url}/v1/files", "name": "title", "link": "href", **more}
    storage = ApiSettings.model_validate(values).open(OPTIONS)
    OPENED.append(storage)
    return storage


def page(server: FaultyServer, path: str, body: object) -> None:
    server.files[path] = json.dumps(body).encode()


class TestApi(ReadingConformance):
    """An API that lists whatever was put there."""

    def test_no_path_leads_out_of_the_root(self, subject: Subject) -> None:
        subject.seed("x", b"x")
        for path in ("../x", "x/../../x", "./x", ""):
            with pytest.raises(InvalidInput):
                subject.storage.read(path)

    @pytest.fixture
    def subject(self, faulty_server: FaultyServer) -> Subject:
        listed: dict[str, dict[str, object]] = {}

        def seed(path: str, data: bytes) -> None:
            url = "/bytes/" + quote(path, safe="/!$'()*+,=:@-._~")
            faulty_server.files[url] = data
            listed[path] = {
                "title": path,
                "href": url,
                "size": len(data),
                "tag": Digest.of(data).value[:12],
            }

        (port,) = free_ports(1)
        values = {"name": "title", "link": "href", "size": "size", "etag": "tag"}
        settings = ApiSettings.model_validate({"url": f"{faulty_server.url}/v1/files", **values})
        storage = settings.open(OPTIONS)
        OPENED.append(storage)

        class Fresh:
            """The storage, told to list anew before each question: a seed came in between."""

            def __getattr__(self, name: str) -> object:
                page(faulty_server, "/v1/files", list(listed.values()))
                list(storage.enumerate())
                return getattr(storage, name)

        dead = settings.model_copy(update={"url": f"http://127.0.0.1:{port}/v1"})
        return Subject(settings, Fresh(), seed, dead=dead)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_pages_that_lead_to_each_other_are_all_read(faulty_server: FaultyServer) -> None:
    page(
        faulty_server,
        "/v1/files",
        {"data": [{"title": "a", "href": "f/1"}], "paging": {"next": "/v1/more"}},
    )
    page(faulty_server, "/v1/more", {"data": [{"title": "b/c", "href": "f/2"}], "paging": {}})
    storage = opened(faulty_server, items="data[]", next="paging.next")
    assert names(storage.enumerate()) == ["a", "b/c"]
    assert names(storage.enumerate("b")) == ["b/c"]
    assert names(storage.enumerate(recursive=False)) == ["a"]


def test_a_token_or_a_number_leads_to_the_next_page(numbered: FaultyServer) -> None:
    by_token = opened(
        numbered, items="items", next="cursor", next_parameter="page", parameters={"size": "2"}
    )
    counted = opened(
        numbered, items="items", page_parameter="page", first_page=0, parameters={"size": "2"}
    )
    assert names(by_token.enumerate()) == names(counted.enumerate()) == list("abcde")


@pytest.fixture
def numbered(faulty_server: FaultyServer) -> FaultyServer:
    """Serve five files in pages of two, by number."""
    every = [{"title": one, "href": f"/f/{one}"} for one in "abcde"]
    for number in range(4):
        body = {
            "items": every[2 * number : 2 * number + 2],
            "cursor": number + 1 if number < 2 else None,
        }
        page(faulty_server, f"/v1/files?size=2&page={number}", body)
    page(faulty_server, "/v1/files?size=2", {"items": every[:2], "cursor": 1})
    return faulty_server


def test_a_circle_of_pages_is_an_error(faulty_server: FaultyServer) -> None:
    page(faulty_server, "/v1/files", {"items": [], "next": "/v1/other"})
    page(faulty_server, "/v1/other", {"items": [], "next": "/v1/files"})
    with pytest.raises(UnexpectedReply, match="form a loop"):
        list(opened(faulty_server, items="items", next="next").enumerate())


@pytest.mark.parametrize(
    ("entry", "name", "why"),
    [
        ({"title": "a"}, "a", "entry 0 .* no URL at 'href'"),
        ({"href": "/f"}, "", "entry 0 .* no name at 'title'"),
        ({"title": "../a", "href": "/f"}, "../a", "entry 0"),
        ({"title": "a", "href": "/f", "size": "big"}, "a", "size 'big'"),
        ({"title": "a", "href": "/f", "sum": "xyz"}, "a", "digest 'xyz'"),
        ({"title": "a", "href": "/f", "at": "soon"}, "a", "time 'soon'"),
        ({"title": "a", "href": "/f", "at": 1e400}, "a", "time inf"),
        ({"title": "a", "href": "http://["}, "a", "Invalid IPv6 URL"),
        ({"title": "a", "href": "/f", "at": 10**400}, "a", "too large"),
        ({"title": "a", "href": "/f", "size": "9" * 5000}, "a", "entry 0"),
        ({"title": {}, "href": "/f"}, "", "expected text as its name"),
    ],
    ids=[
        "no link",
        "no name",
        "climbs",
        "size",
        "digest",
        "time",
        "for ever",
        "no URL",
        "too large",
        "too long",
        "no text",
    ],
)
def test_an_entry_that_cannot_be_used_is_a_gap(
    faulty_server: FaultyServer, entry: object, name: str, why: str
) -> None:
    page(faulty_server, "/v1/files", {"items": [entry, {"title": "good", "href": "/g"}]})
    storage = opened(faulty_server, items="items", size="size", digest="sum", modified="at")
    gaps: list[Gap] = []

    assert [one.path for one in files_collecting_gaps(storage.enumerate(), gaps)] == ["good"]
    (gap,) = gaps
    assert (gap.path, gap.below) == (name, not name)  # without a name it may be any
    assert re.search(why, gap.why)


def test_of_two_entries_of_one_name_the_first_counts_and_the_name_is_a_gap(
    faulty_server: FaultyServer,
) -> None:
    page(faulty_server, "/v1/files", {"items": [{"title": "a", "href": "/f"}] * 2})
    gaps: list[Gap] = []

    listed = files_collecting_gaps(opened(faulty_server, items="items").enumerate(), gaps)
    assert [one.path for one in listed] == ["a"]
    assert [one.path for one in gaps] == ["a"]


def test_a_page_without_a_list_is_an_error(faulty_server: FaultyServer) -> None:
    page(faulty_server, "/v1/files", {"other": []})
    with pytest.raises(UnexpectedReply, match="expected a list at 'items'"):
        list(opened(faulty_server, items="items").enumerate())


def test_what_is_no_json_is_an_error(faulty_server: FaultyServer) -> None:
    faulty_server.files["/v1/files"] = b"<html>"
    with pytest.raises(UnexpectedReply, match="is not JSON"):
        list(opened(faulty_server).enumerate())
    with pytest.raises(ResourceNotFound):
        list(opened(faulty_server, url=f"{faulty_server.url}/none").enumerate())


def test_every_fact_of_an_entry_is_read() -> None:
    fields = Fields(
        name="n",
        link="u",
        id="id",
        size="s",
        digest="d",
        etag="e",
        modified="m",
        content_type="t",
        properties={"owner": "by.name", "final": "final", "none": "nothing"},
    )
    sha = "ab" * 32
    one = {"n": "/a/b", "u": "?f=1", "id": 7, "s": "3", "d": sha, "e": 5, "m": 1_700_000_000}
    one |= {"t": "text/csv", "by": {"name": "me"}, "final": True}
    (entry,) = fields.entries([one], "https://x/v1/list?q=1")
    assert isinstance(entry, Entry)
    found = entry.resource
    assert entry.url == "https://x/v1/list?f=1"
    assert (found.path, found.size, found.etag, found.content_type) == ("a/b", 3, "5", "text/csv")
    assert found.modified_us == 1_700_000_000_000_000
    assert [str(each) for each in found.digests] == [f"sha256:{sha}"]
    assert dict(found.properties) == {"owner": "me", "final": "true", "id": "7"}


@pytest.mark.parametrize(
    "moment",
    [1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, "1700000000", "2023-11-14T22:13:20Z"],
)
def test_times_are_read_in_every_unit(moment: object) -> None:
    (entry,) = Fields(modified="m").entries([{"name": "a", "url": "b", "m": moment}], "https://x/")
    assert isinstance(entry, Entry)
    assert entry.resource.modified_us == 1_700_000_000_000_000


def test_credentials_stay_at_the_api(faulty_server: FaultyServer) -> None:
    with FaultyServer() as elsewhere:
        elsewhere.files["/f"] = b"far"
        faulty_server.files["/g"] = b"near"
        entries = [{"title": "far", "href": f"{elsewhere.url}/f"}, {"title": "near", "href": "/g"}]
        page(faulty_server, "/v1/files", entries)
        storage = opened(faulty_server, bearer_token="t0ken", headers={"X-Key": "k"})
        assert storage.fetch("far").data == b"far"
        assert storage.fetch("near").data == b"near"
        assert b"".join(bytes(one) for one in storage.read("far", start=1)) == b"ar"
        assert len(elsewhere.seen) == 2
        for one in elsewhere.seen:
            assert one.headers["Authorization"] is one.headers["X-Key"] is None
        for one in faulty_server.seen:
            assert (one.headers["Authorization"], one.headers["X-Key"]) == ("Bearer t0ken", "k")


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
def test_a_declared_digest_is_enforced(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    faulty_server.files["/f"] = data
    sums = {"good": Digest.of(data).value, "bad": "00" * 32}
    entries = [{"title": one, "href": "/f", "sum": f"sha256:{sums[one]}"} for one in sums]
    page(faulty_server, "/v1/files", entries)
    settings = ApiSettings(
        url=f"{faulty_server.url}/v1/files", name="title", link="href", digest="sum"
    )
    source = end(settings)
    listed = [one for one in source.storage.enumerate() if isinstance(one, Resource)]
    items = [item(one.path, len(data), *map(str, one.digests)) for one in listed]
    assert len(items) == 2
    job = delivery(source, folder(tmp_path))
    outcomes = {one.path: one for one in deliver(job, items)}
    assert outcomes["good"].status is Status.STORED
    assert outcomes["bad"].error == "digest-mismatch"
    assert tree(tmp_path) == {"good": data}


def test_a_folder_of_it_is_a_place_of_its_own(faulty_server: FaultyServer) -> None:
    page(
        faulty_server, "/v1/files", [{"title": one, "href": "/f"} for one in ("a/b", "a/c/d", "ab")]
    )
    faulty_server.files["/f"] = b"x"
    settings = ApiSettings(
        url=f"{faulty_server.url}/v1/files",
        name="title",
        link="href",
        parameters={"b": "2", "a": "1 2"},
    )
    assert settings.below("a").address() == f"api+{faulty_server.url}/v1/files?a=1+2&b=2!/a"
    page(
        faulty_server,
        "/v1/files?a=1+2&b=2",
        [{"title": "a/b", "href": "/f"}, {"title": "ab", "href": "/f"}],
    )
    below = settings.below("a").open(OPTIONS)
    OPENED.append(below)
    assert names(below.enumerate()) == ["b"]
    assert below.fetch("b").data == b"x"
    assert below.stat("b").path == "b"
    with pytest.raises(ResourceNotFound):
        below.stat("c")


def test_a_file_that_the_listing_marks_anew_is_not_the_planned_one(
    faulty_server: FaultyServer,
) -> None:
    page(faulty_server, "/v1/files", [{"title": "a", "href": "/f", "v": 2}])
    faulty_server.files["/f"] = b"x"
    storage = opened(faulty_server, etag="v")
    assert storage.fetch("a", etag="2").data == b"x"
    with pytest.raises(ResourceChanged):
        storage.fetch("a", etag="1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": "a[["},
        {"name": ""},
        {"next_parameter": "page"},
        {"next": "n", "page_parameter": "page"},
        {"url": "https://host/x?y=1"},
        {"url": "ftp://host/x"},
        {"properties": {"a": "b(("}},
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValidationError, InvalidInput)):
        ApiSettings.model_validate({"url": "https://host/x", **wrong})
    with pytest.raises(InvalidInput, match="store an API as a block"):
        ApiSettings.from_url("api+https://host/x")


def test_a_refusal_and_a_dead_server_are_told_as_such(faulty_server: FaultyServer) -> None:
    (port,) = free_ports(1)
    with pytest.raises(ConnectionFailed):
        list(opened(faulty_server, url=f"http://127.0.0.1:{port}/").enumerate())
    from tests.servers.faulty import status  # noqa: PLC0415 - beside its use

    faulty_server.script("/v1/files", status(403))
    with pytest.raises(AccessDenied):
        list(opened(faulty_server).enumerate())


def test_whoever_lists_may_look_files_up_and_many_at_once_list_once(
    faulty_server: FaultyServer,
) -> None:
    page(faulty_server, "/v1/files", [{"title": one, "href": f"/f/{one}"} for one in "abc"])
    faulty_server.files |= {f"/f/{one}": one.encode() for one in "abc"}
    first = opened(faulty_server)
    assert [first.fetch(one.path).data for one in first.enumerate()] == [b"a", b"b", b"c"]

    faulty_server.requests.clear()
    fresh = opened(faulty_server)
    with ThreadPoolExecutor(8) as pool:
        assert {one.path for one in pool.map(fresh.stat, ["a", "b", "c"] * 8)} == set("abc")
    assert faulty_server.requests["/v1/files"] == 1
