"""Limits and automations at Prefect's server are what their files say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from cli.terminal.exit_codes import ExitCode
from tests.deployments.conftest import ROOT, Entrepot

SetUp = Callable[..., dict[str, str]]
SHIPPED = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text())["automations"]
LIMITS = """\
pools: [{{name: ruled, runs: {runs}}}]
limits:
  - {{name: office-line, slots: {slots}}}
  - {{name: partner-api, slots: 50, per_second: 10}}
"""
AUTOMATION: dict[str, Any] = {
    "name": "tell",
    "enabled": False,
    "trigger": {"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Failed"]},
    "actions": [{"type": "call-webhook", "block": "webhook/ruled"}],
}


def written(folder: Path, name: str, *automations: dict[str, Any]) -> Path:
    """Write automations into a file; return it."""
    path = folder / name
    path.write_text(yaml.safe_dump({"automations": list(automations)}))
    return path


def test_limits_follow_their_file(set_up: SetUp, tmp_path: Path, client: Any) -> None:  # noqa: ANN401
    file = tmp_path / "mine.yaml"
    words = ("--pool", "ruled", "--limits", file)
    things = ("concurrent runs of ruled", "limit office-line", "limit partner-api")

    file.write_text(LIMITS.format(runs=3, slots=2))
    done = set_up(*words, folder=tmp_path)
    assert [done[thing] for thing in things] == ["changed", "created", "created"]
    assert client.read_work_pool("ruled").concurrency_limit == 3
    assert client.read_global_concurrency_limit_by_name("office-line").limit == 2
    assert client.read_global_concurrency_limit_by_name("partner-api").slot_decay_per_second == 10

    assert {set_up(*words, folder=tmp_path)[thing] for thing in things} == {"unchanged"}

    file.write_text(LIMITS.format(runs="null", slots=4))
    done = set_up(*words, "--dry-run", folder=tmp_path)
    assert [done[thing] for thing in things] == ["changed", "changed", "unchanged"]
    assert client.read_global_concurrency_limit_by_name("office-line").limit == 2
    assert set_up(*words, folder=tmp_path) == done
    assert client.read_work_pool("ruled").concurrency_limit is None
    assert client.read_global_concurrency_limit_by_name("office-line").limit == 4


def test_an_automation_waits_for_its_block(
    set_up: SetUp, entrepot: Entrepot, tmp_path: Path, client: Any  # noqa: ANN401
) -> None:  # fmt: skip
    from prefect.blocks.webhook import Webhook  # noqa: PLC0415 - imports Prefect

    words = ("--automations", written(tmp_path, "off.yaml", AUTOMATION))
    assert set_up(*words, folder=tmp_path)["automation tell"] == "skipped"
    on = written(tmp_path, "on.yaml", AUTOMATION | {"enabled": True})
    done = entrepot("setup", "--automations", on, folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "'tell' is enabled and needs the block webhook/ruled" in done.stderr
    assert client.read_automations_by_name("tell") == []

    block = Webhook(url=SecretStr("https://hooks.example/x")).save("ruled")
    assert set_up(*words, folder=tmp_path)["automation tell"] == "created"
    assert set_up(*words, folder=tmp_path)["automation tell"] == "unchanged"
    assert set_up("--automations", on, folder=tmp_path)["automation tell"] == "changed"
    (stored,) = client.read_automations_by_name("tell")
    assert stored.enabled
    assert stored.actions[0].block_document_id == block


def test_a_silent_run_is_crashed_by_the_shipped_automation(
    set_up: SetUp, tmp_path: Path, client: Any  # noqa: ANN401
) -> None:  # fmt: skip
    from prefect import flow  # noqa: PLC0415 - imports Prefect
    from prefect.states import Running  # noqa: PLC0415

    (silent,) = [one for one in SHIPPED if one["enabled"]]
    soon = silent | {"name": "soon", "trigger": silent["trigger"] | {"within": 10}}
    set_up("--automations", written(tmp_path, "soon.yaml", soon), folder=tmp_path)

    @flow
    def lost() -> None:
        """Never runs: it stands for a run whose machine is gone."""

    ours, other = (
        client.create_flow_run(lost, tags=[tag], state=Running()) for tag in ("entrepot", "other")
    )
    beats = [_heartbeat(str(ours.id), "entrepot"), _heartbeat(str(other.id), "other")]
    client.request("POST", "/events", json=beats)
    deadline = time.monotonic() + 120
    while not client.read_flow_run(ours.id).state.is_crashed():
        assert time.monotonic() < deadline, "it never fired"
        time.sleep(0.5)
    assert client.read_flow_run(other.id).state.is_running()


def _heartbeat(run: str, tag: str) -> dict[str, Any]:
    from prefect.events.schemas.events import Event  # noqa: PLC0415 - imports Prefect

    related = {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
    beat = Event.model_validate(
        {
            "event": "prefect.flow-run.heartbeat",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
            "related": [related],
        }
    )
    return beat.model_dump(mode="json")


@pytest.mark.parametrize(
    ("option", "text", "told"),
    [
        ("limits", "pool: []", "pool: Extra inputs are not permitted"),
        ("limits", "limits: [{name: a, slots: many}]", "limits.0.slots: "),
        ("limits", "limits: [{name: a, slots: 1}, {name: a, slots: 2}]", "more than once: 'a'"),
        (
            "limits",
            "limits: [{name: entrepot-a, slots: 1}]",
            "limits.0.name: 'entrepot-a' is the limit of a",
        ),
        ("limits", "pools: [", "cannot be read"),
        ("automations", "automations: [{name: a}]", "automations.0.trigger: Field required"),
        (
            "automations",
            "automations: [{name: a, trigger: {type: event, witin: 3}, actions: []}]",
            "unknown keys: automations.0.trigger.witin",
        ),
        (
            "automations",
            "automations: [{name: a, actions: [{type: call-webhook, block: x}]}]",
            "automations.0.actions.0.block: expected <type>/<name>, found 'x'",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    entrepot: Entrepot, tmp_path: Path, option: str, text: str, told: str
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    done = entrepot("setup", f"--{option}", file, folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith(f"entrepot: {file}")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
