"""Deployments: `prefect deploy --all` works, and a worker's run ends well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.flows.test_sync import files

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

ROOT = Path(__file__).parents[2]


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


@pytest.mark.timeout(400)
def test_a_deployed_sync_runs_on_a_process_worker(source: Path, tmp_path: Path) -> None:
    from prefect import get_client  # noqa: PLC0415
    from prefect.deployments import run_deployment  # noqa: PLC0415

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
