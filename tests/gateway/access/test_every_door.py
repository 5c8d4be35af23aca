"""One verb by every door: called, on the command line, as the UI asks, and over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from catalog.catalog import Catalog
from catalog.model.plan import Mode
from catalog.model.run import Run
from tests.gateway.with_prefect import Site, fill, names, site, until
from tests.servers.prefect_client import prefect_at
from tests.servers.process import ROOT, program

pytestmark = pytest.mark.timeout(1200)

GIVEN = {"mode": "mirror", "include": ["00*.bin"]}
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """Run server, worker and gateway once."""
    with site(tmp_path_factory.mktemp("site")) as found:
        fill(found.folder / "drop", 12)
        yield found


def called(whole: Site, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call the flow as a notebook does."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    monkeypatch.setenv("ENTREPOT_CATALOG", str(whole.folder / "catalog" / "catalog.duckdb"))
    with prefect_at(whole.prefect):
        sync("drop", [str(target)], mode=Mode.MIRROR, include=["00*.bin"])


def commanded(whole: Site, target: Path) -> None:
    """Give the command."""
    options = ("--mode", "mirror", "--include", "00*.bin", "--json")
    done = subprocess.run(
        [program("python"), "-m", "cli", "sync", "drop", target, *options],
        env={
            **os.environ,
            "PREFECT_API_URL": whole.prefect,
            "ENTREPOT_CATALOG": str(whole.folder / "catalog" / "catalog.duckdb"),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def asked_by_ui(whole: Site, target: Path) -> None:
    """Ask Prefect for a run of the deployment, as its UI does."""
    with httpx.Client(base_url=whole.prefect) as prefect:
        deployment = prefect.get("/deployments/name/sync/sync").json()
        body = {"parameters": {"source": "drop", "destinations": [str(target)], **GIVEN}}
        made = prefect.post(f"/deployments/{deployment['id']}/create_flow_run", json=body).json()
        state = until(
            lambda: prefect.get(f"/flow_runs/{made['id']}").json()["state"],
            lambda one: one["type"] in FINAL,
        )
    assert state["type"] == "COMPLETED", state


def asked_over_http(whole: Site, name: str) -> None:
    """Ask the gateway."""
    body = {"destinations": [name], **GIVEN}
    told = whole.ended(whole.ask("POST", "/v1/acme/repositories/drop/sync", json=body))
    assert told["run"]["state"] == "Completed", told


@pytest.mark.slow
def test_every_door_leads_to_the_same(whole: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [whole.folder / name for name in ("called", "commanded", "form", "shelf")]
    for target in targets:
        target.mkdir(exist_ok=True)
        (target / "009.bin").write_text("of before")

    called(whole, targets[0], monkeypatch)
    commanded(whole, targets[1])
    asked_by_ui(whole, targets[2])
    asked_over_http(whole, "shelf")

    catalogs = [whole.catalog("default")] * 3 + [whole.catalog("acme")]
    addresses = [f"file://{target}" for target in targets]
    runs = [run_to(catalog, one) for catalog, one in zip(catalogs, addresses, strict=True)]
    held = [
        [(row.path, row.size, row.digest) for row in catalog.versions.content(address)]
        for catalog, address in zip(catalogs, addresses, strict=True)
    ]
    tallies = [
        [
            (one.added, one.replaced, one.removed, one.kept)
            for one in catalog.runs.tallies(run.run_id)
        ]
        for catalog, run in zip(catalogs, runs, strict=True)
    ]
    assert len(held[0]) == 10
    assert held == [held[0]] * 4
    assert [names(target) for target in targets] == [names(targets[0])] * 4
    assert tallies == [[(9, 1, 0, 0)]] * 4
    assert {(run.kind, run.state, run.message) for run in runs} == {
        ("sync", runs[0].state, runs[0].message)
    }
    told = whole.ask("GET", f"/v1/acme/runs/{runs[3].run_id}").json()
    assert told["run"] == runs[3].run_id
    with httpx.Client(base_url=whole.prefect) as prefect:
        for run in runs:  # Prefect, the catalog and the gateway tell of one and the same
            flow_run = prefect.get(f"/flow_runs/{run.flow_run_id}").json()
            assert flow_run["state"]["type"] == "COMPLETED"


def run_to(catalog: Catalog, address: str) -> Run:
    """Return the one run that wrote to a destination."""
    (found,) = [one for one in catalog.runs.all() if address in one.destinations]
    return found
