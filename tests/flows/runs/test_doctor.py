"""The doctor finds what would keep a run from going, and says what helps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.terminal.exit_codes import ExitCode
from tests.flows.broken_blocks import spoil
from tests.flows.runs.test_command_line import entrepot

Things = dict[str, dict[str, Any]]


def diagnosed(*words: str) -> tuple[int, Things]:
    """Return the doctor's exit code, and what it found by thing."""
    done = entrepot("doctor", "--json", *words)
    found = json.loads(done.stdout)["diagnoses"]
    return done.returncode, {one["check"]: one for one in found}


@pytest.fixture
def block(tmp_path: Path) -> Iterator[str]:
    """Store a repository whose folder is there, and forget it afterwards."""
    from blocks.limits import LimitSettings  # noqa: PLC0415 - imports Prefect
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    (tmp_path / "held").mkdir()
    storage = LocalSettings(path=str(tmp_path / "held"))
    Repository(storage=storage, limits=LimitSettings(batches=2)).save("examined", overwrite=True)
    yield "examined"
    Repository.delete("examined")


def test_what_is_well_is_said(block: str) -> None:
    things = diagnosed()[1]  # the server of all tests holds repositories that are gone, too
    for name in ("catalog", "disk of the catalog", "credential sets", "Prefect", "clock", "limits"):
        assert things[name]["health"] == "healthy", things[name]
    assert things[f"repository {block}"]["found"].endswith("held: empty")


def test_a_repository_that_cannot_be_reached_is_ill(block: str, tmp_path: Path) -> None:
    (tmp_path / "held").rmdir()
    code, things = diagnosed()
    assert code == ExitCode.FAILED
    assert things[f"repository {block}"]["health"] == "error"
    assert "does not exist" in things[f"repository {block}"]["found"]
    code, things = diagnosed("--no-connect")
    assert code == ExitCode.SUCCESS
    assert "not tried" in things[f"repository {block}"]["found"]


def test_a_block_that_cannot_be_used_is_ill_and_told_without_its_values(block: str) -> None:
    spoil(block)
    code, things = diagnosed()
    assert code == ExitCode.FAILED
    found = things[f"repository {block}"]["found"]
    assert "save it again" in found
    assert "hunter2" not in found


def test_what_is_wrong_on_this_machine_is_ill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "good.json").write_text("{}")
    (tmp_path / "sets" / "bad.json").write_text("{")
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "file" / "catalog.duckdb"))
    monkeypatch.setenv("ENTREPOT_CREDENTIALS", str(tmp_path / "sets"))
    code, things = diagnosed("--no-connect")
    assert code == ExitCode.FAILED
    assert things["catalog"]["health"] == "error"
    assert "ENTREPOT_CATALOG" in things["catalog"]["advice"]
    assert things["credential sets"]["found"] == "not a JSON object: bad.json"
    (tmp_path / "sets" / "bad.json").unlink()
    (tmp_path / "sets" / "good.json").chmod(0o644)
    assert diagnosed("--no-connect")[1]["credential sets"]["health"] == "warning"


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_THREADS", "many")
    code, things = diagnosed()
    assert code == ExitCode.FAILED
    assert things["settings"]["found"].startswith("ENTREPOT_THREADS: ")


def end_what_was_killed() -> None:
    """Let the server know that the runs are over which other tests killed."""
    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import FlowRunFilter  # noqa: PLC0415
    from prefect.states import Crashed  # noqa: PLC0415

    under_way = {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}}
    wanted = FlowRunFilter.model_validate(under_way)
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=wanted):
            client.set_flow_run_state(run.id, Crashed(message="killed by a test"), force=True)


def test_slots_that_a_killed_run_left_are_shown_and_freed(block: str) -> None:
    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate  # noqa: PLC0415

    name = f"entrepot-{block}"
    end_what_was_killed()
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(name, 2)
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=2))
        found = diagnosed()[1]["limits"]
        assert found["health"] == "warning"
        assert found["found"] == f"{name}: 2 of 2 slots in use while nothing runs"
        assert diagnosed("--free")[1]["limits"]["found"].endswith("freed")
        assert client.read_global_concurrency_limit_by_name(name).active_slots == 0


def test_a_prefect_server_that_does_not_answer_is_ill(monkeypatch: pytest.MonkeyPatch) -> None:
    import tests.flows.runs.test_command_line as command_line  # noqa: PLC0415

    own = command_line.environment()
    monkeypatch.setattr(
        command_line,
        "environment",
        lambda: {
            **own,
            "PREFECT_API_URL": "http://127.0.0.1:9/api",
            "PREFECT_CLIENT_MAX_RETRIES": "0",
        },
    )
    code, things = diagnosed()
    assert code == ExitCode.FAILED
    assert "http://127.0.0.1:9/api" in things["Prefect"]["found"]
