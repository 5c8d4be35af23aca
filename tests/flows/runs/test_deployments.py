"""Deployments: `prefect deploy --all` works, and a worker's run ends well."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from catalog.catalog import Catalog
from tests.flows.sync.test_sync import files

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

ROOT = Path(__file__).parents[3]


def prefect(*words: str) -> str:
    """Run Prefect's command line against the tests' server."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - imports Prefect

    environment = {
        **os.environ,
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "ENTREPOT_HOME": str(ROOT),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *words],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def typed(*words: str) -> None:
    """Run `entrepot` against the tests' server."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    command = [sys.executable, "-m", "cli", *words]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=180)


def told(catalog: Catalog, end: Path) -> tuple[str, str, list[object], list[object]]:
    """Return what the catalog knows of the run that filled `end`, but its id, place and time."""
    (run,) = (one for one in catalog.runs.all() if one.destinations == (f"file://{end}",))
    assert run.flow_run_id, "it leads to Prefect's own run"
    tallies: list[object] = [replace(one, address="") for one in catalog.runs.tallies(run.run_id)]
    outcomes: list[object] = [
        (one.path, one.action, one.status, one.proof, one.digest, one.size)
        for one in sorted(catalog.runs.outcomes(run.run_id), key=lambda one: one.path)
    ]
    return run.kind, run.state or "", tallies, outcomes


@pytest.mark.timeout(400)
@pytest.mark.slow
def test_a_sync_is_the_same_on_a_worker_in_a_shell_and_in_a_notebook(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from prefect import get_client  # noqa: PLC0415
    from prefect.deployments import run_deployment  # noqa: PLC0415

    from flows.sync import sync  # noqa: PLC0415

    prefect("work-pool", "create", "entrepot", "--type", "process")
    assert "sync" in prefect("deploy", "--all")
    end = tmp_path / "end"
    given = {"source": str(source), "destinations": [str(end)]}
    run = cast(
        "FlowRun",
        run_deployment("sync/sync", parameters=given, timeout=0, _sync=True),  # type: ignore[call-arg]
    )
    prefect("worker", "start", "--pool", "entrepot", "--type", "process", "--run-once")
    with get_client(sync_client=True) as client:
        ended = client.read_flow_run(run.id)
    assert ended.state is not None
    assert ended.state.is_completed(), ended.state
    assert files(end) == files(source)

    shell, notebook = tmp_path / "shell", tmp_path / "notebook"
    typed("sync", str(source), str(shell))
    sync(str(source), [str(notebook)])
    assert files(shell) == files(notebook) == files(source)
    assert told(catalog, end) == told(catalog, shell) == told(catalog, notebook)
