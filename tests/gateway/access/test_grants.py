"""Roles for parts of a tenant: at every door a token does what its grants say, and sees no more."""

from __future__ import annotations

import re
from collections.abc import Generator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi.routing import APIRoute

from catalog.access.grants import Grant, Role
from tests.catalog.catalog_steps import SOURCE
from tests.gateway.conftest import Running, serving
from tests.gateway.every_route import EVERYWHERE, TENANT, Site, packed
from tests.gateway.seeded_gateway import filled

ELSEWHERE = ("admin:prefix:elsewhere", "admin:repository:elsewhere")
SECRETS = re.compile(r"""hidden|[>"/](there|source|first|second)["</]|b\.txt|org.acme""")
"""What a token for another part is never to be told."""
PUBLIC = frozenset(("/", "/browse/style.css", "/browse/{rest:path}", "/browse"))
"""Pages of no tenant."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """Run a gateway with something behind every door."""
    with filled(tmp_path_factory.mktemp("grants")) as full:
        client = full.running.client
        for name in ("hidden/a", "elsewhere/b", "hiddenly", "elsewhere2"):
            put = client.put(f"{TENANT}/resources/upload/{name}?properties=of=x", content=b"x")
            assert put.status_code == 201, put.text
        files = {"artifact": ("p.zip", packed("hidden"))}
        assert client.post(f"{TENANT}/artifacts/upload", files=files).status_code == 201
        begun = client.post(f"{TENANT}/resources/uploads", json={"name": "hidden/c", "size": 2})
        yield Site(full, begun.json()["id"])


def test_every_route_of_the_gateway_is_among_these_doors(site: Site) -> None:
    from gateway.routers import ROUTERS  # noqa: PLC0415 - it loads Prefect

    found = {
        (method, cast("APIRoute", route).path)
        for router in ROUTERS
        for route in router.routes
        for method in cast("APIRoute", route).methods or ()
    }
    tested = {key for key in site.authenticator() if not key[1].startswith("/content/")}
    assert {key for key in found if key[1] not in PUBLIC} == tested


def test_a_token_for_another_part_does_and_learns_nothing_at_any_door(site: Site) -> None:
    before = site.state()
    for (method, route), door in site.authenticator().items():
        reply = site.ask(ELSEWHERE, method, door.url, **dict(door.more))
        if door.lists:
            assert reply.status_code in {200, 503}, (method, route, reply.text)  # 503: no Prefect
        else:
            expected = {404} if "{run_id}" in route or "{plan_id}" in route else {403, 404}
            if "/flow-runs/" in route:
                expected = {404, 503}
            assert reply.status_code in expected, (method, route, reply.text)
        told = reply.text.replace(door.url, "")
        if reply.status_code == 200:
            assert SECRETS.search(told) is None, (method, route, told)
    assert site.state() == before


def test_a_token_without_any_grant_that_fits_is_told_what_it_takes(site: Site) -> None:
    url = f"{TENANT}/resources/download/hidden/a"
    known = site.ask(ELSEWHERE, "GET", url)
    unknown = site.ask(ELSEWHERE, "GET", f"{TENANT}/resources/download/hidden/nothing")
    assert known.status_code == unknown.status_code == 403
    assert (
        "this needs the role reader for the resource 'hidden/a'" in known.json()["error"]["message"]
    )


def test_an_admin_of_the_whole_tenant_is_let_in_at_every_door(tmp_path: Path) -> None:
    with filled(tmp_path) as full:
        client = full.running.client
        for name in ("hidden/a", "hidden/gone"):
            client.put(f"{TENANT}/resources/upload/{name}", content=b"x")
        begun = client.post(f"{TENANT}/resources/uploads", json={"name": "hidden/c", "size": 2})
        one = Site(full, begun.json()["id"])
        for (method, route), door in one.authenticator().items():
            reply = one.ask((EVERYWHERE,), method, door.url, **dict(door.more))
            assert reply.status_code not in {401, 403, 405, 422}, (method, route, reply.text)


@pytest.mark.parametrize(
    ("grant", "shown"),
    [
        ("reader:prefix:hidden", ["hidden/a"]),
        ("reader:prefix:hidden/", ["hidden/a"]),
        ("reader:prefix:elsewhere", ["elsewhere/b"]),
        ("writer:prefix:elsewhere/b", ["elsewhere/b"]),
        ("reader:prefix:hid", []),
        ("reader:repository:there", []),
    ],
)
def test_a_list_shows_what_lies_below_the_prefix(site: Site, grant: str, shown: list[str]) -> None:
    for where in ("", "?every_version=true", "?where=size >= 0", "?order=-timestamp", "?prefix=h"):
        listed = site.ask((grant,), "GET", f"{TENANT}/resources/list{where}")
        names = [one["name"] for one in listed.json()["metadata"]]
        assert names == [one for one in shown if where != "?prefix=h" or one.startswith("h")]
    page = site.ask((grant,), "GET", "/browse/mytenant/resources").text
    assert ("hidden/a" in page, "elsewhere/b" in page) == (
        "hidden/a" in shown,
        "elsewhere/b" in shown,
    )


def test_a_condition_never_meets_a_row_that_may_not_be_seen(site: Site) -> None:
    where = {"where": "cast(split_part(path, '/', 2) as int) > 0"}  # fails on each name here
    url = f"{TENANT}/resources/list"
    assert site.ask((EVERYWHERE,), "GET", url, params=where).status_code == 400
    unseen = site.ask(("reader:prefix:nothing",), "GET", url, params=where)
    assert (unseen.status_code, unseen.json()["metadata"]) == (200, [])


def test_pages_of_a_list_go_on_within_the_prefix(site: Site) -> None:
    for place in range(5):
        url = f"{TENANT}/resources/upload/paged/{place}"
        assert site.ask(("writer:prefix:paged",), "PUT", url, content=b"x").status_code == 201
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        told = site.ask(
            ("reader:prefix:paged",), "GET", f"{TENANT}/resources/list", params=query
        ).json()
        seen += [one["name"] for one in told["metadata"]]
        if "next" not in told:
            break
        query["cursor"] = told["next"]
    assert seen == [f"paged/{place}" for place in range(5)]
    assert site.ask(
        ("writer:prefix:paged",), "DELETE", f"{TENANT}/resources/delete/paged/0"
    ).is_success


def test_a_prefix_ends_where_a_part_of_a_name_does(site: Site) -> None:
    writes = ("writer:prefix:hidden",)
    for name, status in (
        ("hidden/new", 201),
        ("/hidden/new", 201),
        ("hidden", 201),
        ("hiddenly", 403),
        ("hidden2/a", 403),
        ("elsewhere/hidden/a", 403),
        ("HIDDEN/a", 403),
        ("hidden/../elsewhere/b", 400),
        ("hidden/%2e%2e/elsewhere/b", 400),
        ("./hidden/a", 400),
        ("hidden//a", 400),
    ):
        url = f"{TENANT}/resources/upload/{name}"
        site.ask(writes, "GET", f"{TENANT}/resources/list")  # its token is made
        headers = {"Authorization": f"Bearer {site.tokens[writes]}"}
        asking = HTTPConnection(site.full.running.url.removeprefix("http://"), timeout=60)
        asking.request("PUT", url, b"x", headers)  # as it is: others would take `..` away
        reply = asking.getresponse()
        assert reply.status == status, (name, reply.read())
        asking.close()
    for name in ("hidden/new", "hidden"):
        assert site.ask((EVERYWHERE,), "DELETE", f"{TENANT}/resources/delete/{name}").is_success


def test_copies_and_moves_take_a_role_at_both_names(site: Site) -> None:
    base = f"{TENANT}/resources"
    for name in ("from/a", "to/seen"):
        assert site.ask((EVERYWHERE,), "PUT", f"{base}/upload/{name}", content=b"x").is_success
    reads, writes = "reader:prefix:from", "writer:prefix:to"
    for grants, verb, status in (
        ((reads,), "copy", 403),
        ((writes,), "copy", 403),
        ((reads, writes), "copy", 201),
        ((reads, writes), "move", 403),
        (("writer:prefix:from", "reader:prefix:to"), "move", 403),
        (("writer:prefix:from", writes), "move", 200),
    ):
        reply = site.ask(grants, "POST", f"{base}/{verb}/from/a?to=to/a")
        assert reply.status_code == status, (grants, verb, reply.text)
    assert site.ask((writes,), "GET", f"{base}/download/to/a").content == b"x"
    assert site.ask((reads,), "GET", f"{base}/list").json()["metadata"] == []
    for name in ("to/a", "to/seen"):
        assert site.ask((writes,), "DELETE", f"{base}/delete/{name}").is_success


def test_an_upload_in_chunks_is_whose_name_it_is_of(site: Site) -> None:
    base, writes = f"{TENANT}/resources/uploads", ("writer:prefix:chunked",)
    refused = site.ask(writes, "POST", base, json={"name": "hidden/x", "size": 1})
    begun = site.ask(writes, "POST", base, json={"name": "chunked/x", "size": 1}).json()
    assert refused.status_code == 403
    assert [one["id"] for one in site.ask(writes, "GET", base).json()["uploads"]] == [begun["id"]]
    assert site.ask(("writer:prefix:hidden",), "GET", begun["url"]).status_code == 404
    sent = {"content": b"x", "headers": {"Content-Range": "bytes 0-0/1"}}
    assert site.ask(("writer:prefix:hidden",), "PUT", begun["url"], **sent).status_code == 404
    assert site.ask(("reader:prefix:chunked",), "GET", begun["url"]).status_code == 403
    assert site.ask(writes, "PUT", begun["url"], **dict(sent)).status_code == 200
    made = site.ask(writes, "POST", f"{begun['url']}/commit")
    again = site.ask(writes, "POST", f"{begun['url']}/commit")
    other = site.ask(("writer:prefix:hidden",), "POST", f"{begun['url']}/commit")
    assert (made.status_code, again.status_code, other.status_code) == (201, 201, 404)
    assert site.ask(writes, "DELETE", f"{TENANT}/resources/delete/chunked/x").is_success


def test_packages_are_resources_below_their_coordinates(site: Site) -> None:
    url = f"{TENANT}/artifacts"
    reads, writes = ("reader:prefix:model/org/acme",), ("writer:prefix:model/org/acme/mine",)
    for name, grants, status in (
        ("mine", reads, 403),
        ("mine", writes, 201),
        ("other", writes, 403),
    ):
        files = {"artifact": ("p.zip", packed(name))}
        reply = site.ask(grants, "POST", f"{url}/upload", files=files)
        assert reply.status_code == status, reply.text
    both = {"artifact": ("p.zip", packed("mine"))}, {"artifact": ("q.zip", packed("hidden"))}
    form = [("artifact", one["artifact"]) for one in both]
    replaced = site.ask(writes, "POST", f"{url}/upload?override=true", files=form)
    assert replaced.status_code == 403, "all of a form, or none"
    listed = site.ask(writes, "GET", f"{url}/metadata").json()
    assert [one["artifact"] for one in listed] == ["mine"]
    assert site.ask(reads, "GET", f"{url}/types").json() == ["model"]
    assert site.ask(ELSEWHERE, "GET", f"{url}/types").json() == []
    got = site.ask(reads, "GET", f"{url}/download/model:org.acme:mine:1")
    assert got.content == packed("mine")
    assert site.ask(
        writes, "DELETE", f"{TENANT}/resources/delete/model/org/acme/mine/1/p.zip"
    ).is_success


def test_a_repository_opens_alone_with_its_versions(site: Site) -> None:
    reads, writes = ("reader:repository:there",), ("writer:repository:there",)
    base = f"{TENANT}/repositories"
    assert [one["name"] for one in site.ask(reads, "GET", f"{base}/").json()["repositories"]] == [
        "there"
    ]
    for place in ("there", "there/versions", "there/versions/1/content", "there/diff"):
        assert site.ask(reads, "GET", f"{base}/{place}").status_code == 200
        other = place.replace("there", "source")
        assert site.ask(reads, "GET", f"{base}/{other}").status_code == 403
        assert (
            site.ask(reads, "GET", f"{base}/{place.replace('there', 'nowhere')}").status_code == 403
        )
    protection = f"{base}/there/versions/1/protection"
    assert site.ask(reads, "POST", protection, json={"reason": "x"}).status_code == 403
    assert site.ask(writes, "POST", protection, json={"reason": "x"}).status_code == 201
    assert site.ask(writes, "DELETE", protection).status_code == 200
    assert site.ask(writes, "DELETE", f"{base}/there/versions/1").status_code == 403
    admin = site.ask(("admin:repository:there",), "DELETE", f"{base}/there/versions/7")
    assert admin.status_code == 404  # it may, and there is none
    pages = site.ask(reads, "GET", "/browse/mytenant/").text
    assert (">there<" in pages, ">source<" in pages) == (True, False)
    assert site.ask(reads, "GET", "/browse/mytenant/repositories/source/").status_code == 403
    led = site.ask(reads, "GET", f"/browse/mytenant/version?address={SOURCE}&number=1")
    assert led.status_code == 404


def test_content_is_read_where_its_repository_may_be(site: Site) -> None:
    reads = ("reader:repository:there",)
    root = site.ask(reads, "GET", "/content/mytenant/", headers={"Accept": "application/json"})
    assert [one["name"] for one in root.json()] == ["there"]
    assert site.ask(reads, "GET", "/content/mytenant/there@1/").status_code == 200
    assert site.ask(reads, "GET", "/content/mytenant/there/PULP_MANIFEST").status_code == 200
    for path in ("source/", "source@1/a.txt", "source", "nowhere/x"):
        assert site.ask(reads, "GET", f"/content/mytenant/{path}").status_code == 403


def test_a_link_reads_what_its_maker_may(site: Site) -> None:
    base, reads = f"{TENANT}/repositories", ("reader:repository:there",)
    refused = site.ask(reads, "POST", f"{base}/source/links", json={"path": "a.txt"})
    made = site.ask(reads, "POST", f"{base}/there/links", json={"path": "PULP_MANIFEST"})
    assert (refused.status_code, made.status_code) == (403, 201)
    with httpx.Client() as anybody:
        assert anybody.get(made.json()["url"]).status_code == 200
    key = site.full.running.application.gateway.links.current()
    (known,) = [
        one.token_id
        for one in site.full.running.catalog.tokens.all()
        if one.grants == (Grant.parse(reads[0]),)
    ]
    forged = key.sign("/content/mytenant/source/a.txt", 4_000_000_000, known)
    with httpx.Client(base_url=site.full.running.url) as anybody:
        reply = anybody.get(f"/content/mytenant/source/a.txt?{forged}")
    assert reply.status_code == 403


def test_a_run_and_a_plan_take_a_role_in_all_that_they_are_about(site: Site) -> None:
    one = ("reader:repository:there",)
    both = ("reader:repository:there", "reader:repository:source")
    plan = f"{TENANT}/plans/{site.full.plans[0].plan_id}"
    places = (
        *(f"{TENANT}/runs/first{more}" for more in ("", "/outcomes", "/failures")),
        f"{TENANT}/runs/first/explain?path=b.txt",
        *(f"{plan}{more}" for more in ("", "/rows")),
        "/browse/mytenant/runs/first",
    )
    for place in places:
        assert site.ask(one, "GET", place).status_code == 404, place
        assert site.ask(both, "GET", place).status_code == 200, place
    listed = [
        [row["run"] for row in site.ask(who, "GET", f"{TENANT}/runs").json()["runs"]]
        for who in (one, both)
    ]
    assert listed == [[], ["second", "first"]]
    assert site.ask(both, "POST", f"{plan}/apply").status_code == 403
    writes = ("writer:repository:there", "reader:repository:source")
    assert site.ask(writes, "POST", f"{plan}/apply").status_code == 404


def test_a_run_is_started_with_repositories_of_ones_own_alone(site: Site) -> None:
    base, writes = f"{TENANT}/repositories", ("writer:repository:there",)
    for name, body, status in (
        ("source", {"destinations": ["there"]}, 403),
        ("there", {"destinations": ["source"]}, 403),
        ("there", {"destinations": ["nowhere"]}, 403),
        ("there", {"destinations": [], "steps": ["x"]}, 403),
    ):
        reply = site.ask(writes, "POST", f"{base}/{name}/sync", json=body)
        assert reply.status_code == status, reply.text
    assert site.ask(writes, "POST", f"{TENANT}/flows/sync/runs").status_code == 403


def test_the_figures_of_a_tenant_are_for_who_may_see_all_of_it(site: Site) -> None:
    whole = site.ask(("reader",), "GET", "/metrics").text
    part = site.ask(("admin:prefix:hidden", "admin:repository:there"), "GET", "/metrics").text
    series = 'entrepot_stored_files{tenant="mytenant"}'
    assert (series in whole, series in part) == (True, False)


def test_a_role_in_the_whole_tenant_and_a_grant_add_up(site: Site) -> None:
    grants = ("reader", "writer:prefix:mixed")
    put = f"{TENANT}/resources/upload"
    assert site.ask(grants, "PUT", f"{put}/mixed/a", content=b"x").status_code == 201
    assert site.ask(grants, "PUT", f"{put}/hidden/a", content=b"x").status_code == 403
    assert site.ask(grants, "GET", f"{TENANT}/resources/download/hidden/a").status_code == 200
    assert site.ask(grants, "DELETE", f"{TENANT}/resources/delete/mixed/a").is_success


def test_a_writer_of_a_prefix_fetches_nothing_out_of_what_it_may_not_read(tmp_path: Path) -> None:
    shelf, shown, other = (tmp_path / name for name in ("shelf", "shown", "other"))
    for folder in (shelf, shown, other):
        folder.mkdir()
        (folder / "f.txt").write_text(f"of {folder.name}")
    tenant = {
        "repositories": {"shelf": str(shelf), "shown": str(shown)},
        "local_roots": [str(tmp_path)],
        "resources": str(tmp_path / "uploads"),
    }
    with serving(tmp_path, tenants={"acme": tenant}) as running:
        running.client.put("/v1/acme/resources/upload/secret", content=b"secret")
        writes = [Grant.parse("writer:prefix:in"), Grant.parse("reader:repository:shown")]
        headers = running.tokens(running.catalog.tokens.create(None, grants=writes)[1])
        whole = running.tokens(running.catalog.tokens.create(Role.WRITER)[1])

        def fetched(place: str, headers: dict[str, str], verb: str = "fetch") -> int:
            body = {"url": f"file://{tmp_path}/{place}"}
            url = f"/v1/acme/resources/{verb}/in/x"
            return running.client.post(url, json=body, headers=headers).status_code

        for place in ("shelf/f.txt", "other/f.txt", "uploads/0/secret"):
            for verb in ("fetch", "register"):
                assert fetched(place, headers, verb) == 400, place
        assert fetched("shown/f.txt", headers) == 201
        both = running.tokens(running.catalog.tokens.create(Role.READER, grants=writes[:1])[1])
        assert fetched("shelf/f.txt", both) == 201  # it may be read with the token
        for place in ("other/f.txt", "uploads/0/secret"):
            assert fetched(place, both) == 400, place
        assert [fetched(one, whole) for one in ("shelf/f.txt", "other/f.txt")] == [201, 201]


def test_anybody_may_read_what_is_anonymous_with_any_token_too(tmp_path: Path) -> None:
    tenants = {"acme": {"repositories": {}, "anonymous": True}}
    with serving(tmp_path, tenants=tenants) as running:
        running.client.put("/v1/acme/resources/upload/a", content=b"x")
        grants = [Grant.parse("writer:prefix:mine")]
        headers = running.tokens(running.catalog.tokens.create(None, grants=grants)[1])
        ask = running.client.request
        assert ask("GET", "/v1/acme/resources/download/a").content == b"x"
        assert ask("GET", "/v1/acme/resources/download/a", headers=headers).content == b"x"
        put = "/v1/acme/resources/upload"
        assert ask("PUT", f"{put}/a", content=b"y", headers=headers).status_code == 403
        assert ask("PUT", f"{put}/mine/a", content=b"y", headers=headers).status_code == 201
        assert ask("PUT", f"{put}/mine/a", content=b"y").status_code == 401
        assert ask("POST", "/v1/acme/resources/copy/a?to=mine/b").status_code == 401


def test_a_revoked_token_opens_no_part_any_more(running: Running) -> None:
    grants = [Grant.parse("writer:prefix:mine")]
    token, text = running.catalog.tokens.create(None, grants=grants)
    url, headers = f"{TENANT}/resources/upload/mine/a", running.tokens(text)
    assert running.client.put(url, content=b"x", headers=headers).status_code == 201
    running.catalog.tokens.revoke(token.token_id)
    assert running.client.put(url, content=b"x", headers=headers).status_code == 401
