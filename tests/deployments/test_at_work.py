"""What a server and a worker do with deployments of ours: each seen to happen, no error logged."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from catalog.model.digest import Digest
from tests.deployments.conftest import ROOT, Entrepot
from tests.flows.sync.test_sync import files
from tests.servers.faulty import FaultyServer, stall
from tests.servers.prefect_server import Worker, until, worker

SetUp = Callable[..., dict[str, str]]
Work = Callable[[], AbstractContextManager[Worker]]
SILENT = "entrepot: a run that went silent has crashed"
BEAT_S = 30  # the least that Prefect takes
WORKFLOW = """\
sources: [{{name: s, type: local, path: {folder}/source}}]
destinations: [{{name: d, type: local, path: {folder}/end}}]
workflows: [{{name: often, source: s, destinations: [d], interval: 5s}}]
"""

SETTINGS: dict[str, str] = {}  # over PostgreSQL
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def work(server: str, tmp_path: Path) -> Work:
    """Return what runs a worker whose runs have a catalog of this test's own."""
    catalog = tmp_path / "catalog" / "catalog.duckdb"
    more = {
        "ENTREPOT_CATALOG": str(catalog),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(BEAT_S),
    }
    count = iter(range(10))
    return lambda: worker(server, tmp_path / f"worker{next(count)}", **more)


@pytest.fixture(autouse=True)
def deployed(client: Any, set_up: SetUp) -> None:  # noqa: ANN401 - Prefect's client
    """Deploy what we ship, once."""
    if not client.read_deployments():
        set_up()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a small source."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a").write_text("alpha")
    (folder / "b").write_text("beta")
    return folder


@pytest.fixture
def slow(faulty_server: FaultyServer) -> str:
    """Return a source one of whose files comes only when nobody waits any more."""
    data = {"good": b"good", "slow": b"slow" * 1000}
    lines = [f"{name},{Digest.of(body).value},{len(body)}" for name, body in data.items()]
    faulty_server.files |= {f"/{name}": body for name, body in data.items()}
    faulty_server.files["/PULP_MANIFEST"] = "\n".join(lines).encode()
    faulty_server.script("/slow", stall(900, after=1000))
    return f"{faulty_server.url}/PULP_MANIFEST"


@pytest.fixture
def paused(client: Any) -> Generator[list[Any]]:  # noqa: ANN401 - Prefect's client
    """Take the ids of deployments whose schedules are to end with the test."""
    ids: list[Any] = []
    yield ids
    for one in ids:
        client.pause_deployment(one)


def of(client: Any, deployment: Any, *states: str) -> list[Any]:  # noqa: ANN401 - Prefect's own
    """Return the runs of a deployment that are in one of some states."""
    from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter  # noqa: PLC0415

    deployments = DeploymentFilter.model_validate({"id": {"any_": [deployment.id]}})
    runs = FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}})
    found = client.read_flow_runs(deployment_filter=deployments, flow_run_filter=runs)
    return cast("list[Any]", found)


def start(wait_s: float, **parameters: object) -> Any:  # noqa: ANN401 - a flow run
    """Start a sync as a person's code does, and wait so long for its end."""
    from prefect.deployments import run_deployment  # noqa: PLC0415

    run: Any = run_deployment  # its type knows no `_sync`
    return run("sync/sync", parameters=parameters, timeout=wait_s, poll_interval=1, _sync=True)


def state(client: Any, run: Any) -> str:  # noqa: ANN401
    """Return the type of the state that a run is in."""
    return str(client.read_flow_run(run.id).state.type.value)


def has_come(client: Any, run: Any, wanted: str) -> bool:  # noqa: ANN401
    """Say whether a run is in a state; fail where it has ended in another one."""
    found = client.read_flow_run(run.id).state
    if found.is_final() and found.type.value != wanted:
        pytest.fail(f"expected {wanted}, found {found!r}")
    return bool(found.type.value == wanted)


def taken(client: Any, name: str) -> int:  # noqa: ANN401
    """Return how many slots of a limit are taken."""
    return int(client.read_global_concurrency_limit_by_name(name).active_slots)


def limited(end: Path, name: str) -> None:
    """Store a destination that takes one batch at a time."""
    from blocks.repository import Repository  # noqa: PLC0415

    Repository.model_validate(
        {"storage": {"type": "local", "path": str(end)}, "limits": {"batches": 1}}
    ).save(name)


@pytest.mark.slow
def test_the_schedules_that_we_ship_fire_once_they_are_on(
    set_up: SetUp,
    tmp_path: Path,
    client: Any,  # noqa: ANN401
    work: Work,
    paused: list[Any],
) -> None:
    from prefect.client.schemas.schedules import IntervalSchedule  # noqa: PLC0415

    text = (ROOT / "prefect.yaml").read_text()
    (tmp_path / "prefect.yaml").write_text(text.replace("active: false", "active: true"))
    names = [one["name"] for one in yaml.safe_load(text)["deployments"] if "schedules" in one]
    assert len(names) > 2
    set_up(folder=tmp_path)
    scheduled = [client.read_deployment_by_name(f"{name}/{name}") for name in names]
    paused += [one.id for one in scheduled]
    for one in scheduled:
        assert until(partial(of, client, one, "SCHEDULED"), f"a scheduled run of {one.name}")

    check = client.read_deployment_by_name("check-catalog/check-catalog")
    client.create_deployment_schedules(
        check.id, [(IntervalSchedule(interval=timedelta(seconds=10)), True)]
    )
    with work():
        (run, *_) = until(lambda: of(client, check, "COMPLETED"), "a run by schedule")
        client.pause_deployment(check.id)
    assert run.auto_scheduled


def test_a_workflow_file_is_carried_out_by_its_interval(
    entrepot: Entrepot,
    source: Path,
    tmp_path: Path,
    client: Any,  # noqa: ANN401
    work: Work,
    paused: list[Any],
) -> None:
    file = tmp_path / "workflows.yaml"
    file.write_text(WORKFLOW.format(folder=tmp_path))
    done = entrepot("workflows", "apply", file)
    assert done.returncode == 0, done.stdout + done.stderr
    often = client.read_deployment_by_name("sync/often")
    paused.append(often.id)
    until(lambda: of(client, often, "SCHEDULED"), "a scheduled run of the workflow")
    with work():
        until(lambda: of(client, often, "COMPLETED"), "a run of the workflow")
        assert files(tmp_path / "end") == files(source)
        (source / "c").write_text("gamma")
        until(lambda: files(tmp_path / "end") == files(source), "the next round")
        client.pause_deployment(often.id)


def test_a_run_that_is_waited_for_ends_well_and_sends_its_heartbeat(
    source: Path, tmp_path: Path, client: Any, work: Work  # noqa: ANN401
) -> None:  # fmt: skip
    from prefect.events.filters import EventFilter  # noqa: PLC0415

    with work():
        run = start(400, source=str(source), destinations=[str(tmp_path / "end")])
    assert run.state.is_completed(), run.state
    assert files(tmp_path / "end") == files(source)

    def beats() -> list[Any]:
        wanted = EventFilter.model_validate(
            {
                "event": {"name": ["prefect.flow-run.heartbeat"]},
                "resource": {"id": [f"prefect.flow-run.{run.id}"]},
            }
        )
        return cast("list[Any]", client.read_events(wanted, limit=10).events)

    (beat, *_) = until(beats, "its heartbeat")
    assert "prefect.tag.entrepot" in {one.id for one in beat.related}, "or no automation is meant"


def test_a_paused_run_goes_on_when_somebody_answers(
    source: Path, tmp_path: Path, client: Any, work: Work  # noqa: ANN401
) -> None:  # fmt: skip
    end = tmp_path / "end"
    with work():
        run = start(
            0,
            source=str(source),
            destinations=[str(end)],
            guards={"bytes": 1},
            approval="ask",
        )
        until(lambda: has_come(client, run, "PAUSED"), "the question")
        assert files(end) == {}
        client.resume_flow_run(run.id, run_input={"approve": True, "note": "for the test"})
        until(lambda: has_come(client, run, "COMPLETED"), "its end")
    assert files(end) == files(source)


@pytest.mark.slow
def test_a_cancelled_run_ends_and_gives_its_slot_back(
    slow: str, faulty_server: FaultyServer, tmp_path: Path, client: Any, work: Work  # noqa: ANN401
) -> None:  # fmt: skip
    from prefect.states import Cancelling  # noqa: PLC0415

    end = tmp_path / "end"
    limited(end, "cancelled-end")
    with work():
        run = start(0, source=slow, destinations=["cancelled-end"])
        until(lambda: faulty_server.requests["/slow"], "its reading")
        assert taken(client, "entrepot-cancelled-end") == 1
        client.set_flow_run_state(run.id, Cancelling())
        until(lambda: has_come(client, run, "CANCELLED"), "its end")
        until(lambda: taken(client, "entrepot-cancelled-end") == 0, "its slot")
    assert "slow" not in files(end)


@pytest.mark.slow
def test_a_run_whose_machine_is_gone_crashes_and_gives_its_slot_back(
    slow: str,
    faulty_server: FaultyServer,
    set_up: SetUp,
    tmp_path: Path,
    client: Any,  # noqa: ANN401
    work: Work,
) -> None:
    """By the automation that we ship, which waits a shorter time here."""
    every = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text())["automations"]
    (silent,) = [one for one in every if one["name"] == SILENT]
    assert silent["trigger"]["within"] >= 3 * 180, "a run may lose two of Prefect's heartbeats"
    silent["trigger"]["within"] = 2 * BEAT_S
    file = tmp_path / "automations.yaml"
    file.write_text(yaml.safe_dump({"automations": [silent]}))
    assert set_up("--automations", file, folder=tmp_path)[f"automation {SILENT}"] == "changed"
    end = tmp_path / "end"
    limited(end, "lost-end")
    with work() as one:
        run = start(0, source=slow, destinations=["lost-end"])
        until(lambda: faulty_server.requests["/slow"], "its reading")
        assert taken(client, "entrepot-lost-end") == 1
        one.kill()
    assert state(client, run) == "RUNNING"
    until(lambda: has_come(client, run, "CRASHED"), "the end that the automation gives it", 400)
    until(lambda: taken(client, "entrepot-lost-end") == 0, "its slot", 400)
    faulty_server.unscript()
    with work():
        again = start(0, source=slow, destinations=["lost-end"])
        until(lambda: has_come(client, again, "COMPLETED"), "the next run")
    assert files(end) == {"good": b"good", "slow": b"slow" * 1000}
