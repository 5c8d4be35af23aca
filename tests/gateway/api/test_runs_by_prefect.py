"""Runs that are started over HTTP: by a real Prefect server and its worker, under the tenant."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from catalog.access.grants import Grant
from tests.gateway.with_prefect import Site, fill, names, served, site, until
from tests.servers.prefect_client import prefect_at
from tests.servers.process import ROOT, free_ports

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """Run server, worker and gateway once for all tests here."""
    with site(tmp_path_factory.mktemp("site")) as found:
        fill(found.folder / "drop", 5)
        yield found


def test_a_sync_that_is_asked_for_completes_and_is_the_tenants(whole: Site) -> None:
    started = whole.ask(
        "POST",
        "/v1/acme/repositories/drop/sync",
        who="acme-writer",
        json={"destinations": ["shelf"]},
    )

    told = whole.ended(started)

    begun = started.json()["run"]
    assert (begun["flow"], begun["run_id"]) == ("sync", None)
    assert begun["state"] in {"Scheduled", "Pending"}
    assert told["run"]["state"] == "Completed"
    assert told["run"]["name"].startswith("sync drop to ")
    assert told["progress"]["percent"] == 100
    assert names(whole.folder / "shelf") == names(whole.folder / "drop")
    (run,) = [one for one in whole.catalog("acme").runs.all() if one.kind == "sync"]
    assert run.flow_run_id == begun["flow_run_id"]
    assert told["run"]["run_id"] == run.run_id
    assert told["run"]["message"] == run.message
    assert told["results"][0]["tallies"][0]["added"] == 5
    assert whole.catalog("other").runs.all() == []
    assert whole.ask("GET", "/v1/acme/runs").json()["runs"][0]["run"] == run.run_id


def test_a_plan_is_made_shown_and_applied(whole: Site) -> None:
    (whole.folder / "drop" / "planned.txt").write_text("planned")
    made = whole.ended(
        whole.ask("POST", "/v1/acme/repositories/drop/plan", json={"destinations": ["shelf"]})
    )
    plan_id = made["results"][0]["plan"]

    plan = whole.ask("GET", f"/v1/acme/plans/{plan_id}").json()
    rows = whole.ask("GET", f"/v1/acme/plans/{plan_id}/rows").json()["rows"]
    applied = whole.ended(whole.ask("POST", f"/v1/acme/plans/{plan_id}/apply"))

    assert plan["totals"][0]["add"] == 1
    assert [(one["action"], one["path"]) for one in rows] == [("add", "planned.txt")]
    assert applied["run"]["state"] == "Completed"
    assert (whole.folder / "shelf" / "planned.txt").read_text() == "planned"
    assert whole.ask("GET", f"/v1/other/plans/{plan_id}", who="other-admin").status_code == 404
    assert (
        whole.ask("POST", f"/v1/other/plans/{plan_id}/apply", who="other-admin").status_code == 404
    )


def test_a_restore_and_a_verify_are_about_the_repository_of_their_path(whole: Site) -> None:
    restored = whole.ended(
        whole.ask("POST", "/v1/acme/flows/restore/runs", json={"repository": "shelf", "version": 1})
    )
    verified = whole.ended(whole.ask("POST", "/v1/acme/repositories/shelf/verify"))

    assert [restored["run"]["state"], verified["run"]["state"]] == ["Completed", "Completed"]
    assert "planned.txt" not in names(whole.folder / "shelf")


def test_a_run_is_cancelled_before_it_begins_and_while_it_moves_files(whole: Site) -> None:
    fill(whole.folder / "slow", 20, size=200_000)  # twenty seconds at its pace
    asked = ("POST", "/v1/acme/repositories/slow/sync")
    waiting, moving = (whole.ask(*asked, json={"destinations": ["shelf"]}) for _ in range(2))
    early = whole.ask("POST", f"{waiting.headers['location']}/cancel")
    place = moving.headers["location"]
    until(
        lambda: whole.ask("GET", place).json(),
        lambda told: told["run"]["state"] == "Running" and told["progress"] is not None,
    )

    refused = whole.ask("POST", f"{place}/cancel", who="acme-reader")
    cancelled = whole.ask("POST", f"{place}/cancel", who="acme-writer")
    ended = [whole.ended(one) for one in (waiting, moving)]

    assert early.status_code == cancelled.status_code == 202
    assert cancelled.json()["run"]["state"] in {"Cancelling", "Cancelled"}
    assert [one["run"]["state"] for one in ended] == ["Cancelled", "Cancelled"]
    assert refused.status_code == 403
    assert whole.ask("POST", f"{place}/cancel").status_code == 409
    assert len(names(whole.folder / "shelf")) < 30


def test_a_run_that_was_cancelled_in_a_workers_hands_does_not_stay_so(
    whole: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.api import prefect_client  # noqa: PLC0415 - imports Prefect

    flow_id = httpx.get(f"{whole.prefect}/flows/name/sync").json()["id"]
    body = {
        "flow_id": flow_id,
        "tags": ["entrepot", "tenant:acme"],
        "state": {"type": "CANCELLING"},
    }
    flow_run_id = until(  # over SQLite, Prefect answers 503 while another writes
        lambda: httpx.post(f"{whole.prefect}/flow_runs/", json=body).json(),
        lambda answer: "id" in answer,
    )["id"]
    place = f"/v1/acme/flow-runs/{flow_run_id}"

    fresh = whole.ask("GET", place).json()["run"]
    monkeypatch.setattr(prefect_client, "FORGOTTEN", timedelta(0))  # as if a minute had passed
    with prefect_at(whole.prefect):
        prefect_client.PrefectRuns("acme").find(UUID(flow_run_id))
    later = whole.ask("GET", place).json()["run"]
    until(
        lambda: httpx.delete(f"{whole.prefect}/flow_runs/{flow_run_id}").status_code,
        lambda status: status in {204, 404},
    )

    assert (fresh["state"], later["state"]) == ("Cancelling", "Cancelled")


def test_runs_are_listed_by_state_and_purged(whole: Site) -> None:
    listed = whole.ask("GET", "/v1/acme/flow-runs?limit=2").json()
    rest = whole.ask("GET", f"/v1/acme/flow-runs?limit=200&cursor={listed['next']}").json()
    completed = whole.ask("GET", "/v1/acme/flow-runs?state=completed").json()["flow_runs"]
    kept = whole.ask("DELETE", "/v1/acme/flow-runs?before=2020-01-01T00:00:00Z").json()
    refused = whole.ask("DELETE", "/v1/acme/flow-runs?before=2100-01-01", who="acme-writer")
    purged = whole.ask(
        "DELETE", "/v1/acme/flow-runs?before=2100-01-01T00:00:00&state=cancelled"
    ).json()

    every = [one["flow_run_id"] for one in (*listed["flow_runs"], *rest["flow_runs"])]
    assert len(listed["flow_runs"]) == 2
    assert len(set(every)) == len(every) == 7
    assert {one["state"] for one in completed} == {"Completed"}
    assert kept == {"deleted": 0, "more": False}
    assert refused.status_code == 403
    assert purged["deleted"] == 2
    assert len(whole.ask("GET", "/v1/acme/flow-runs").json()["flow_runs"]) == 5


def test_runs_of_another_tenant_are_nowhere(whole: Site) -> None:
    (one, *_) = whole.ask("GET", "/v1/acme/flow-runs").json()["flow_runs"]
    place = f"/v1/other/flow-runs/{one['flow_run_id']}"

    assert whole.ask("GET", "/v1/other/flow-runs", who="other-admin").json() == {"flow_runs": []}
    assert whole.ask("GET", place, who="other-admin").status_code == 404
    assert whole.ask("POST", f"{place}/cancel", who="other-admin").status_code == 404
    assert whole.ask("GET", place, who="acme-admin").status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("repositories/drop/sync", {"destinations": ["other"]}, 404, "no repository 'other'"),
        ("repositories/drop/sync", {"destinations": ["/etc"]}, 404, "no repository '/etc'"),
        ("repositories/other/sync", {"destinations": ["shelf"]}, 404, "no repository 'other'"),
        (
            "repositories/drop/sync",
            {"source": "shelf", "destinations": []},
            400,
            "the path of the request",
        ),
        ("repositories/drop/sync", {"destinations": ["shelf"], "mode": "x"}, 400, "mode"),
        ("repositories/drop/sync", {"destinations": ["shelf"], "colour": 1}, 400, "'colour'"),
        ("repositories/drop/sync", {}, 400, "destinations"),
        ("repositories/drop/sync", {"destinations": {"$ref": {}}}, 400, "$ref"),
        ("repositories/drop/sync", {"destinations": ["shelf"], "checks": ["os:remove"]}, 403, ""),
        ("flows/purge/runs", {"directory": "/etc"}, 403, "several tenants"),
        ("flows/promote/runs", {"repository": "drop", "destinations": []}, 404, "entrepot setup"),
        ("plans/none/apply", {}, 404, "no plan"),
    ],
)
def test_what_may_not_be_asked_for_is_refused_and_nothing_runs(
    whole: Site, path: str, body: dict[str, object], status: int, said: str
) -> None:
    before = whole.ask("GET", "/v1/acme/flow-runs").json()

    answer = whole.ask("POST", f"/v1/acme/{path}", json=body)

    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]["message"]
    assert whole.ask("GET", "/v1/acme/flow-runs").json() == before


def test_the_report_of_a_run_leads_to_its_version_in_the_gateway(whole: Site) -> None:
    (whole.folder / "drop" / "linked.txt").write_text("linked")
    told = whole.ended(
        whole.ask("POST", "/v1/acme/repositories/drop/sync", json={"destinations": ["shelf"]})
    )
    latest = whole.ask("GET", "/v1/acme/repositories/shelf").json()["version"]

    report = until(lambda: _report(whole, told["run"]["flow_run_id"]), bool)
    (link,) = [line for line in report.splitlines() if "/browse/acme/version?" in line]
    place = link.partition("](")[2].rstrip(")")

    assert place.startswith(str(whole.client.base_url).rstrip("/"))
    found = whole.ask("GET", place)
    assert found.status_code == 303
    assert found.headers["location"] == f"/browse/acme/repositories/shelf/versions/{latest}/"
    assert whole.ask("GET", found.headers["location"]).status_code == 200


def _report(whole: Site, flow_run_id: str) -> str:
    asked = {
        "artifacts": {"flow_run_id": {"any_": [flow_run_id]}, "key": {"any_": ["entrepot-report"]}}
    }
    found = httpx.post(f"{whole.prefect}/artifacts/filter", json=asked, timeout=30).json()
    return str(found[0]["data"]) if found else ""


@pytest.mark.parametrize(
    ("api", "said"),
    [("", "PREFECT_API_URL"), ("http://127.0.0.1:9/api", "cannot be reached")],
    ids=["none is set", "it does not answer"],
)
def test_without_a_prefect_server_nothing_is_started(tmp_path: Path, api: str, said: str) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text(f"tenants: {{acme: {{repositories: {{a: {tmp_path}/a}}}}}}")
    environment = {
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "ENTREPOT_CATALOG": str(tmp_path / "catalog" / "catalog.duckdb"),
        "PYTHONPATH": str(ROOT),
    }
    (port,) = free_ports(1)
    with served(tmp_path, config, port, environment) as client:
        answers = [
            client.post("/v1/acme/repositories/a/verify"),
            client.get("/v1/acme/flow-runs"),
            client.get("/v1/acme/repositories/"),
        ]

    assert [one.status_code for one in answers] == [503, 503, 200]
    assert all(said in one.json()["error"]["message"] for one in answers[:2])
    assert "127.0.0.1:9" not in answers[0].text


def test_a_token_for_repositories_starts_and_sees_runs_of_these_alone(whole: Site) -> None:
    catalog = whole.catalog("acme")
    for who, grants in (
        ("both", ("writer:repository:drop", "writer:repository:shelf")),
        ("shelf", ("writer:repository:shelf",)),
        ("reads", ("reader:repository:drop", "reader:repository:shelf")),
    ):
        given = [Grant.parse(one) for one in grants]
        whole.tokens[who] = catalog.tokens.create(None, grants=given)[1]
    asked = ("POST", "/v1/acme/repositories/drop/sync")
    body = {"destinations": ["shelf"]}
    began = whole.ask(*asked, who="both", json=body)
    place = began.headers["location"]
    refused = [whole.ask(*asked, who=who, json=body).status_code for who in ("shelf", "reads")]

    told = whole.ended(began)
    seen = {
        who: (
            whole.ask("GET", place, who=who).status_code,
            any(
                one["flow_run_id"] == told["run"]["flow_run_id"]
                for one in whole.ask("GET", "/v1/acme/flow-runs", who=who).json()["flow_runs"]
            ),
            whole.ask("POST", f"{place}/cancel", who=who).status_code,
        )
        for who in ("both", "shelf", "reads")
    }

    assert refused == [403, 403]
    assert told["run"]["state"] == "Completed"
    assert seen == {
        "both": (200, True, 409),
        "shelf": (404, False, 404),
        "reads": (200, True, 403),
    }
