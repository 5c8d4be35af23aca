"""Repositories, versions, plans and runs over HTTP: pages, filters, one answer on every face."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.access.grants import Role
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from cli.app import app
from tests.catalog.catalog_steps import SOURCE, THERE, file
from tests.gateway.conftest import serving
from tests.gateway.seeded_gateway import REPOSITORIES, Filled, filled, listed

Shell = Callable[..., Any]


@pytest.fixture
def full(tmp_path: Path) -> Generator[Filled]:
    """Run a gateway over a catalog in which things happened."""
    with filled(tmp_path) as found:
        yield found


@pytest.fixture
def shell(
    full: Filled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Return what asks the command line for JSON, of the same tenant."""
    monkeypatch.setenv("ENTREPOT_CATALOG", str(full.desk.catalog.path))
    monkeypatch.setenv("ENTREPOT_TENANT", "mytenant")

    def ask(*words: str) -> Any:  # noqa: ANN401 - JSON
        capsys.readouterr()
        with pytest.raises(SystemExit):
            app()([*words, "--json"])
        return json.loads(capsys.readouterr().out)

    return ask


def same(rows: list[dict[str, Any]], printed: list[dict[str, Any]]) -> bool:
    """Say whether rows tell all that was printed, in its order, whatever they tell besides."""
    return len(rows) == len(printed) and all(
        {name: row[name] for name in one} == one for row, one in zip(rows, printed, strict=True)
    )


def test_every_question_has_the_same_answer_as_on_the_command_line(
    full: Filled, shell: Shell
) -> None:
    plan_id = full.plans[1].plan_id
    listed_here = full.get("repositories/")["repositories"]
    explained = full.get("runs/second/explain", path="b.txt")["explanations"]
    asked: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = [
        (sorted(listed_here, key=lambda one: one["repository"]), shell("ls")),
        (
            full.get("repositories/there/versions", order="number")["versions"],
            shell("versions", THERE),
        ),
        (full.get("repositories/there/versions/latest/content")["content"], shell("ls", THERE)),
        (full.get("repositories/there/diff")["diff"], shell("diff", THERE)),
        (full.get("runs")["runs"], shell("runs")),
        (full.get("runs/second/outcomes", status="failed")["outcomes"], shell("runs", "second")),
        (full.get("runs/second/failures")["failures"], shell("failures", "second")),
        (full.get(f"plans/{plan_id}/rows")["rows"], shell("show-plan", plan_id)),
        (explained, shell("explain", "second", "b.txt")),
    ]
    for told, printed in asked:
        assert printed
        assert same(told, printed), (told, printed)
    assert "was replaced at" in explained[0]["sentence"]


def test_repositories_are_listed_page_by_page_and_by_label(tmp_path: Path) -> None:
    places = {f"r{number:02}": f"/srv/r{number:02}" for number in range(7)}
    with filled(tmp_path, tenants={"mytenant": {"repositories": places}}) as full:
        number = listed(full, "file:///srv/r03", [file("x", size=5), file("y", size=6)])
        rows = full.all_pages("repositories/", "repositories", limit=3)
        none = full.get("repositories/", labels="stage=prod")

        assert [one["name"] for one in rows] == sorted(places)
        assert (rows[3]["version"], rows[3]["files"], rows[3]["bytes"]) == (number, 2, 11)
        assert (rows[0]["version"], rows[0]["files"]) == (None, 0)
        assert none == {"repositories": []}
        assert full.running.client.get(f"{REPOSITORIES}/?labels=!!").status_code == 400


def test_one_repository_that_cannot_be_used_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    tenant = {
        "repositories": {"good": str(tmp_path / "in"), "out": "/etc"},
        "local_roots": [str(tmp_path)],
    }
    with serving(tmp_path, tenants={"mytenant": tenant}) as running:
        rows = running.client.get(f"{REPOSITORIES}/").json()["repositories"]

    assert [one["name"] for one in rows] == ["good", "out"]
    assert "local_roots" in rows[1]["error"]
    assert "error" not in rows[0]


def test_versions_are_found_by_number_moment_label_path_and_digest(full: Filled) -> None:
    catalog = full.desk.catalog
    catalog.versions.label(THERE, 1, {"stage": "prod", "checked": "yes"})
    digest = next(iter(catalog.versions.content(THERE, 1))).digest
    first, second = catalog.versions.all(THERE)[-2:]
    between = first.created_at + (second.created_at - first.created_at) / 2

    def numbers(**query: object) -> list[int]:
        rows = full.get("repositories/there/versions", **query)["versions"]
        return [one["version"] for one in rows]

    assert numbers() == [2, 1, 0]
    assert numbers(order="number") == [0, 1, 2]
    assert numbers(first=2) == numbers(since=between.isoformat()) == [2]
    assert numbers(first=1, last=1) == numbers(first=1, until=between.isoformat()) == [1]
    assert numbers(labels="stage=prod,checked") == numbers(labels="stage~ro") == [1]
    assert numbers(labels="!stage", first=1) == numbers(path="c.txt") == [2]
    assert numbers(digest=digest, path="a.txt") == [2, 1]
    assert numbers(path="nowhere") == []
    rows = full.all_pages("repositories/there/versions", "versions", limit=1)
    assert [one["version"] for one in rows] == [2, 1, 0]


def test_content_comes_in_pages_by_prefix_and_by_glob_and_as_lines(full: Filled) -> None:
    paths = sorted(f"{folder}/{number:03}.csv" for folder in "xyz" for number in range(40))
    number = listed(full, SOURCE, [file(path) for path in [*paths, "x/read.me"]])
    where = f"repositories/source/versions/{number}/content"

    assert [one["path"] for one in full.all_pages(where, "content", limit=17)] == sorted(
        [*paths, "x/read.me"]
    )
    assert len(full.all_pages(where, "content", limit=7, prefix="y/")) == 40
    assert len(full.all_pages(where, "content", limit=7, glob="**/*.csv", prefix="x/")) == 40
    assert full.get(where, glob="/*.csv")["content"] == []
    for query, count in (({}, 121), ({"prefix": "z/0"}, 40)):
        lines = full.running.client.get(
            f"/v1/mytenant/{where}", params=query, headers={"Accept": "application/x-ndjson"}
        )
        assert lines.headers["content-type"] == "application/x-ndjson"
        assert len([json.loads(line) for line in lines.text.splitlines()]) == count


def test_a_diff_comes_in_pages_and_as_lines(full: Filled) -> None:
    old = listed(full, SOURCE, [file(f"{number:03}", etag="old") for number in range(60)])
    new = listed(full, SOURCE, [file(f"{number:03}", etag="new") for number in range(30, 90)])
    between = {"from": old, "to": new}

    rows = full.all_pages("repositories/source/diff", "diff", limit=11, **between)
    lines = full.running.client.get(
        f"{REPOSITORIES}/source/diff", params=between, headers={"Accept": "application/x-ndjson"}
    ).text.splitlines()

    assert [one["path"] for one in rows] == [f"{number:03}" for number in range(90)]
    assert [json.loads(line) for line in lines] == rows
    assert [rows[0]["change"], rows[45]["change"], rows[89]["change"]] == [
        *("removed", "replaced", "added"),
    ]
    default = full.get("repositories/source/diff")
    assert (default["from"], default["to"]) == (old, new)


MANIFESTS = pytest.mark.parametrize(
    "place",
    [f"{REPOSITORIES}/source/versions/{{}}/manifest", "/content/mytenant/source@{}/PULP_MANIFEST"],
    ids=["rest", "content"],
)


@MANIFESTS
def test_a_manifest_is_what_another_instance_can_read(full: Filled, place: str) -> None:
    files = [
        Resource(path, size=len(path), digests=(Digest.of(path.encode()),)) for path in ("b,c", "a")
    ]
    number = listed(full, SOURCE, files)
    url = place.format(number)

    answer = full.running.client.get(url)
    again = full.running.client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    head = full.running.client.head(url)

    lines = [
        f"{path},{hashlib.sha256(path.encode()).hexdigest()},{len(path)}" for path in ("a", "b,c")
    ]
    assert answer.text == "".join(f"{line}\n" for line in lines)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-entrepot-version"] == str(number)
    assert (again.status_code, again.content) == (304, b"")
    assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])


@MANIFESTS
def test_a_manifest_that_cannot_tell_all_is_refused(full: Filled, place: str) -> None:
    unknown = full.running.client.get(
        place.format(full.running.catalog.versions.latest(SOURCE).number)
    )
    odd = Resource("#x", size=1, digests=(Digest.of(b"x"),))
    untellable = full.running.client.get(place.format(listed(full, SOURCE, [odd])))

    assert (unknown.status_code, untellable.status_code) == (409, 409)
    assert "the sha256 or size of 'a.txt' is unknown" in unknown.json()["error"]["message"]
    assert "the sha256 or size of '#x' is unknown" in untellable.json()["error"]["message"]


def test_labels_protection_and_deletion_of_a_version(full: Filled) -> None:
    client, place = full.running.client, f"{REPOSITORIES}/there/versions/1"

    labelled = client.put(f"{place}/labels", json={"labels": {"stage": "prod", "a": "b"}}).json()
    replaced = client.put(f"{place}/labels", json={"labels": {"stage": "test"}}).json()
    protected = client.post(f"{place}/protection", json={"reason": "audit"})
    refused = client.delete(place)
    free = client.delete(f"{place}/protection", params={"reason": "audit"}).json()
    deleted = client.delete(place)

    assert sorted(labelled["labels"]) == ["a=b", "stage=prod"]
    assert replaced["labels"] == ["stage=test"]
    assert (protected.status_code, protected.json()["protected"]) == (201, ["audit"])
    assert refused.status_code == 400
    assert "audit" in refused.json()["error"]["message"]
    assert free["protected"] == []
    assert deleted.json() == {"deleted": [1]}
    assert client.get(place).status_code == 404
    assert [
        one["path"] for one in full.get("repositories/there/versions/2/content")["content"]
    ] == [
        *("a.txt", "b.txt", "c.txt"),
    ]


def test_a_plan_tells_its_totals_its_guards_and_its_rows(full: Filled) -> None:
    plan = full.plans[1]

    told = full.get(f"plans/{plan.plan_id}")
    kept = full.get(f"plans/{plan.plan_id}/rows", action="add")["rows"]
    every = full.all_pages(f"plans/{plan.plan_id}/rows", "rows", limit=1)

    assert (told["plan"], told["digest"], told["changes"]) == (plan.plan_id, plan.digest, True)
    assert told["totals"][0]["address"] == THERE
    assert (told["totals"][0]["add"], told["totals"][0]["replace"]) == (2, 1)
    assert told["forecast"]["requests"] > 0
    assert told["crossed"] == []
    assert [one["path"] for one in kept] == ["c.txt", "d/bad.txt"]
    assert [one["path"] for one in every] == ["b.txt", "c.txt", "d/bad.txt"]


def test_runs_and_their_outcomes_come_in_pages(full: Filled) -> None:
    runs = full.all_pages("runs", "runs", limit=1)
    one = full.get("runs/second")
    outcomes = full.all_pages("runs/second/outcomes", "outcomes", limit=2)
    failures = full.all_pages("runs/second/failures", "failures", limit=1)

    assert [run["run"] for run in runs] == ["second", "first"]
    assert (one["state"], one["message"], one["flow_run"]) == ("completed", "done", "f-second")
    assert one["tallies"][0]["failed"] == 1
    assert sorted(item["path"] for item in outcomes) == ["b.txt", "c.txt", "d/bad.txt"]
    assert [case["check"] for case in failures] == ["in_range", "not_null"]
    assert full.get("runs", state="running") == {"runs": []}
    assert full.get("runs/first/failures") == {"failures": []}


@pytest.mark.parametrize(
    "path",
    [
        *("repositories/none", "repositories/none/versions", "repositories/there/versions/9"),
        *("repositories/there/versions/9/content", "repositories/there/diff?from=1&to=9"),
        *("plans/none", "plans/none/rows", "runs/none", "runs/none/outcomes"),
        *("runs/none/failures", "runs/none/explain?path=a", "repositories/there/diff?to=0"),
    ],
)
def test_what_is_not_there_is_404(full: Filled, path: str) -> None:
    answer = full.running.client.get(f"/v1/mytenant/{path}")

    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("repositories/?cursor=x", 400),
        ("repositories/there/versions?cursor=WyJhIl0", 400),
        ("repositories/there/versions?labels==", 400),
        ("repositories/there/versions?digest=zz", 400),
        ("repositories/there/versions?since=0001-01-01T00:00:00%2B14:00", 422),
        ("repositories/there/versions?limit=0", 422),
        ("repositories/there/versions?colour=1", 422),
        ("repositories/there/versions/-1", 422),
        ("repositories/there/versions/latest/content?cursor=WzFd", 400),
        ("runs?cursor=WyJhIiwxXQ", 400),
        ("runs/second/outcomes?status=lost", 422),
        ("runs/second/explain", 422),
    ],
)
def test_what_cannot_be_read_is_refused(full: Filled, path: str, status: int) -> None:
    answer = full.running.client.get(f"/v1/mytenant/{path}")

    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_roles_and_tenants_are_kept_apart(tmp_path: Path) -> None:
    tenants = {
        "mytenant": {"repositories": {"there": "/there"}},
        "other": {"repositories": {"mine": "/mine"}},
    }
    with filled(tmp_path, tenants=tenants) as full:
        catalog, client = full.desk.catalog, full.running.client
        tokens = {role: catalog.tokens.create(role)[1] for role in Role}
        other = full.running.application.gateway.tenants["other"].catalog.tokens.create(Role.ADMIN)[
            1
        ]

        def status(method: str, path: str, token: str) -> int:
            headers = full.running.tokens(token)
            answer: httpx.Response = client.request(
                method, f"/v1/{path}", headers=headers, json={"labels": {}}
            )
            return answer.status_code

        version = "mytenant/repositories/there/versions/1"
        assert client.get(f"/v1/{version}").status_code == 401
        assert status("GET", version, tokens[Role.READER]) == 200
        assert status("PUT", f"{version}/labels", tokens[Role.READER]) == 403
        assert status("PUT", f"{version}/labels", tokens[Role.WRITER]) == 200
        assert status("DELETE", version, tokens[Role.WRITER]) == 403
        assert status("GET", version, other) == 403
        assert status("GET", "other/repositories/there", other) == 404
        assert status("GET", "other/runs/second", other) == 404
        assert status("GET", f"other/plans/{full.plans[0].plan_id}", other) == 404
        assert status("DELETE", version, tokens[Role.ADMIN]) == 200
