"""Each automation that we ship fires at a real server, and what it tells arrives."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.model.plan import Mode, Plan, Strategy
from tests.deployments.conftest import ROOT, Entrepot
from tests.servers.prefect_server import PrefectServer, until
from tests.servers.webhook_receiver import Inbox

SETTINGS = {
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "2",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "2",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "7200",
}
SHIPPED = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text())["automations"]
SHORT = dict.fromkeys(("entrepot: a run is late", "entrepot: a run takes very long"), 10)
"""How long those wait here that tell of what did not come, in seconds; the least Prefect takes."""
TOLD = {
    "entrepot: a run failed": "Entrepot: sync Failed",
    "entrepot: a run is late": "Entrepot: sync is late",
    "entrepot: a run takes very long": "Entrepot: sync runs for a day",
    "entrepot: files did not come": "Entrepot: partner missed 1 objectives",
    "entrepot: files were set aside": "Entrepot: 2 files of partner are in quarantine",
    "entrepot: a plan crosses its guards": "Entrepot: a plan crosses its guards",
}
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def inbox() -> Generator[Inbox]:
    """Take what the notifications of this module say."""
    with Inbox() as one:
        yield one


@pytest.fixture(autouse=True)
def enabled(client: Any, entrepot: Entrepot, inbox: Inbox, tmp_path: Path) -> None:  # noqa: ANN401
    """Set up, once, with every automation that we ship, telling it to the inbox."""
    from prefect.blocks.notifications import CustomWebhookNotificationBlock  # noqa: PLC0415

    if client.read_deployments():
        return
    CustomWebhookNotificationBlock(
        name="entrepot",
        url=inbox.url,
        json_data={"subject": "{{subject}}", "body": "{{body}}"},
        headers=None,
        cookies=None,
    ).save("entrepot")
    every: list[dict[str, Any]] = [one | {"enabled": True} for one in SHIPPED]
    for one in every:
        within = SHORT.get(one["name"], one["trigger"]["within"])
        one["trigger"] = one["trigger"] | {"within": within}
        for action in one["actions"]:
            if "block" in action:
                action["block"] = "custom-webhook/entrepot"
    file = tmp_path / "automations.yaml"
    file.write_text(yaml.safe_dump({"automations": every}))
    done = entrepot("setup", "--automations", file)
    assert done.returncode == 0, done.stdout + done.stderr


def told(inbox: Inbox, name: str) -> str:
    """Wait until an automation has told something; return the text below its subject."""

    def found() -> list[dict[str, str]]:
        return [post.json() for post in inbox.posts if post.json()["subject"] == TOLD[name]]

    return until(found, f"{TOLD[name]!r} among {[post.json() for post in inbox.posts]}")[0]["body"]


def made(client: Any, name: str = "sync/sync") -> Any:  # noqa: ANN401 - Prefect's own
    """Make a run of a deployment that no worker takes."""
    deployment = client.read_deployment_by_name(name)
    given = {"source": "/in", "destinations": ["/out"]} if name == "sync/sync" else {}
    return client.create_flow_run_from_deployment(deployment.id, parameters=given)


def test_every_notification_that_we_ship_is_seen_here() -> None:
    notifying = {one["name"] for one in SHIPPED if one["actions"][0]["type"] == "send-notification"}
    assert notifying == set(TOLD)


def test_a_failed_run_is_told(client: Any, inbox: Inbox) -> None:  # noqa: ANN401
    from prefect.states import Failed, Running  # noqa: PLC0415

    run = made(client)
    client.set_flow_run_state(run.id, Running(), force=True)
    client.set_flow_run_state(run.id, Failed(message="no such host"), force=True)
    assert told(inbox, "entrepot: a run failed") == f"{run.name}: no such host"


def test_a_run_that_nobody_takes_becomes_late_and_is_told(client: Any, inbox: Inbox) -> None:  # noqa: ANN401
    run = made(client)
    until(lambda: client.read_flow_run(run.id).state.name == "Late", "the state Late")
    assert run.name in told(inbox, "entrepot: a run is late")


def test_a_run_that_does_not_end_is_told(client: Any, inbox: Inbox) -> None:  # noqa: ANN401
    from prefect.states import Running  # noqa: PLC0415

    run = made(client)
    client.set_flow_run_state(run.id, Running(), force=True)
    assert run.name in told(inbox, "entrepot: a run takes very long")


def test_what_fails_five_times_is_paused(client: Any) -> None:  # noqa: ANN401
    from prefect.states import Failed  # noqa: PLC0415

    name = "check-catalog/check-catalog"
    for _ in range(5):
        assert not client.read_deployment_by_name(name).paused
        client.set_flow_run_state(made(client, name).id, Failed(), force=True)
    until(lambda: client.read_deployment_by_name(name).paused, "the pause")


@pytest.mark.usefixtures("client")
def test_what_entrepot_tells_is_handed_on(inbox: Inbox, tmp_path: Path) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.results.events import (  # noqa: PLC0415
        emit_freshness_missed,
        emit_plan_guarded,
        emit_quarantined,
    )
    from flows.results.freshness import ObjectiveResult  # noqa: PLC0415

    partner = Repository.model_validate({"storage": {"type": "local", "path": str(tmp_path)}})
    partner.save("partner")
    missing = ObjectiveResult(
        "partner", "*.csv", 0, 0, None, "no file matching '*.csv' arrived within 1 h"
    )
    emit_freshness_missed(partner, [missing])
    emit_quarantined(partner, ["a.csv", "b.csv"], "run-1")
    plan = Plan(
        "plan-1", "", datetime.now(UTC), "source", Mode.MIRROR, Strategy.DIGEST, (), 0, 0
    )  # fmt: skip
    emit_plan_guarded(plan, ["removes 9 files, at most 3 are allowed"])

    assert told(inbox, "entrepot: files did not come") == missing.missed
    assert told(inbox, "entrepot: files were set aside") == "a.csv, b.csv"
    assert (
        told(inbox, "entrepot: a plan crosses its guards")
        == "removes 9 files, at most 3 are allowed"
    )


def test_a_run_that_has_ended_is_not_crashed_by_a_heartbeat_that_comes_late(
    client: Any,  # noqa: ANN401
) -> None:
    """The automation's action is refused: nothing sets a run that has ended to Crashed."""
    from prefect.states import Completed, Crashed  # noqa: PLC0415

    run = made(client)
    client.set_flow_run_state(run.id, Completed(), force=True)
    answer = client.set_flow_run_state(run.id, Crashed())
    assert answer.status.value == "ABORT"
    assert client.read_flow_run(run.id).state.is_completed()


def test_old_runs_are_forgotten_where_the_server_is_told_to(
    client: Any,  # noqa: ANN401
    prefect: PrefectServer,
) -> None:
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415
    from prefect.states import Completed  # noqa: PLC0415

    old, new = made(client), made(client)
    for one in (old, new):
        client.set_flow_run_state(one.id, Completed(), force=True)
    assert prefect.database is not None
    prefect.database.sql(
        f"UPDATE flow_run SET end_time = now() - interval '3 hours' WHERE id = '{old.id}'"  # noqa: S608 - a UUID
    )

    def gone() -> bool:
        try:
            client.read_flow_run(old.id)
        except ObjectNotFound:
            return True
        return False

    until(gone, "the end of an old run")
    assert client.read_flow_run(new.id).state.is_completed()
