"""A machine that is gone: a worker of Prefect's is killed with the runs it has taken.

The next worker's run of the same deployment finishes, and everything is right. When Prefect calls
the lost run crashed is tested in `tests/deployments/test_at_work.py`.
"""

from __future__ import annotations

import os
import random
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from catalog.catalog import Catalog
from catalog.settings import Settings
from tests.faults.kit.operations import FIRST, SECOND, laid
from tests.faults.kit.target import tree, visible
from tests.faults.results import note
from tests.faults.test_kills import left
from tests.flows.runs.test_deployments import prefect
from tests.servers.prefect_server import until, worker

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

KILLS = 20 if "ENTREPOT_SOAK_S" in os.environ else 1
POOL = "killed"
LATER_S = 3.0  # a run of this size takes about as long
pytestmark = [pytest.mark.timeout(5400), pytest.mark.xdist_group("worker kills")]


@pytest.mark.slow
def test_a_run_after_its_worker_was_killed_finishes(prefect_server: None, tmp_path: Path) -> None:  # noqa: ARG001 - it is asked
    from prefect import get_client  # noqa: PLC0415 - imports Prefect
    from prefect.deployments import run_deployment  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
    prefect("deploy", "--name", "sync", "--pool", POOL)
    world = tmp_path / "world"
    end = world / "end"
    given = {
        "source": str(world / "source"),
        "destinations": [str(end)],
        "mode": "mirror",
        "guards": {"removal_share": None},
    }
    settings = {"ENTREPOT_CATALOG": str(world / "catalog" / "catalog.duckdb")}
    dice = random.Random(5)  # noqa: S311 - when to kill
    lives = iter(range(2 * KILLS))

    def begun() -> UUID:
        run = run_deployment("sync/sync", parameters=given, timeout=0, _sync=True)  # type: ignore[call-arg]
        return cast("FlowRun", run).id

    with get_client(sync_client=True) as client:
        for number in range(KILLS):
            wanted = (FIRST, SECOND)[number % 2]
            laid(world / "source", wanted)
            with worker(
                str(PREFECT_API_URL.value()), tmp_path / f"w{next(lives)}", POOL, **settings
            ) as one:
                lost = begun()
                until(partial(is_in, client, lost, "RUNNING"), "the run")
                time.sleep(dice.uniform(0, LATER_S))
                one.kill()
            with worker(
                str(PREFECT_API_URL.value()), tmp_path / f"w{next(lives)}", POOL, **settings
            ):
                again = begun()
                until(partial(is_in, client, again, "COMPLETED"), "the next run")
            assert visible(tree(end)) == wanted
            assert left(world) == []
    catalog = Catalog.open(Settings(catalog=world / "catalog" / "catalog.duckdb"))
    assert catalog.maintenance.audit(), catalog.maintenance.audit()
    note({"kills": "worker of Prefect", "count": KILLS, "runs": KILLS})


def is_in(client: SyncPrefectClient, run: UUID, state: str) -> bool:
    """Say whether a run is in a state of that type."""
    told = client.read_flow_run(run).state
    return told is not None and told.type.value == state
