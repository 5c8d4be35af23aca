"""`entrepot setup` makes what is missing at a Prefect server, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.terminal.exit_codes import ExitCode
from tests.deployments.conftest import ROOT, Entrepot

SetUp = Callable[..., dict[str, str]]
REPOSITORY = "entrepot-repository"
FLOWS = {
    f"deployment {one['name']}"
    for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
}
SMALL = """\
name: small
deployments:
  - name: sync
    entrypoint: flows.sync.sync
    description: {about}
    work_pool: {{name: small}}
  - name: plan
    entrypoint: flows.plan.plan
    work_pool: {{name: small}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a folder with a prefect.yaml of two flows."""
    (tmp_path / "prefect.yaml").write_text(SMALL.format(about="One."))
    return tmp_path


@pytest.mark.timeout(1800)
@pytest.mark.slow
def test_everything_is_made_once_and_then_as_it_was(set_up: SetUp, client: Any) -> None:  # noqa: ANN401
    # A server registers at its start whatever its own environment has installed.
    for slug in (REPOSITORY, "entrepot-contract", "entrepot-webhook"):
        client.delete_block_type(client.read_block_type_by_slug(slug).id)
    dry = set_up("--dry-run")
    assert set(dry.values()) == {"created", "changed", "skipped"}
    assert client.read_work_pools() == []
    assert client.read_deployments() == []

    created = set_up()
    assert created == dry
    shipped = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text())["automations"]
    # Those that notify wait for a block of the operator's.
    waiting = {one["name"] for one in shipped if "block" in one["actions"][0]}
    assert {name for name, change in created.items() if change == "skipped"} == {
        f"automation {name}" for name in waiting
    }
    assert created.keys() >= {f"automation {one['name']}" for one in shipped}
    assert created.keys() >= {f"block type {REPOSITORY}", "work pool entrepot"} | FLOWS
    assert client.read_work_pool("entrepot").type == "process"
    assert client.read_work_pool("entrepot").concurrency_limit == 16
    assert client.read_deployment_by_name("sync/sync").work_pool_name == "entrepot"
    assert client.read_block_type_by_slug(REPOSITORY).name
    for name in ("freshness", "repair-all", "check-catalog"):
        deployed = client.read_deployment_by_name(f"{name}/{name}")
        assert [one.active for one in deployed.schedules] == [False], "off until somebody wants it"
        assert deployed.job_variables["env"]["PYTHONUNBUFFERED"] == "1"

    again = set_up()
    assert again == {
        name: change if change == "skipped" else "unchanged" for name, change in created.items()
    }


def test_what_changed_is_told(set_up: SetUp, small: Path) -> None:
    set_up(folder=small)
    (small / "prefect.yaml").write_text(SMALL.format(about="Two."))
    done = set_up(folder=small)
    assert done["deployment sync"] == "changed"
    assert done["deployment plan"] == "unchanged"


def test_another_pool_takes_every_flow(set_up: SetUp, small: Path, client: Any) -> None:  # noqa: ANN401
    done = set_up("--pool", "chosen", folder=small)
    assert done["work pool chosen"] == "created"
    assert "work pool small" not in done
    assert client.read_deployment_by_name("plan/plan").work_pool_name == "chosen"


def test_a_pool_of_another_type_is_not_taken_for_ours(entrepot: Entrepot, tmp_path: Path) -> None:
    assert entrepot("setup", "--pool", "typed", folder=tmp_path).returncode == ExitCode.SUCCESS
    done = entrepot("setup", "--pool", "typed", "--pool-type", "docker", folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "'typed' is of type 'process'" in done.stderr


def test_the_kubernetes_template_makes_a_pool(set_up: SetUp, tmp_path: Path, client: Any) -> None:  # noqa: ANN401
    file = tmp_path / "template.yaml"
    file.write_text((ROOT / "deployments" / "kubernetes-work-pool.yaml").read_text())
    words = ("--pool", "cluster", "--pool-type", "kubernetes", "--pool-template", file)
    assert set_up(*words, folder=tmp_path)["work pool cluster"] == "created"
    assert set_up(*words, folder=tmp_path)["work pool cluster"] == "unchanged"
    file.write_text(file.read_text().replace("entrepot-catalog", "other-claim"))
    assert set_up(*words, folder=tmp_path)["work pool cluster"] == "changed"
    stored = client.read_work_pool("cluster").base_job_template
    assert stored["variables"]["properties"]["catalog_claim"]["default"] == "other-claim"


def test_a_type_that_nobody_knows_is_refused(entrepot: Entrepot, tmp_path: Path) -> None:
    done = entrepot("setup", "--pool", "odd", "--pool-type", "steam", folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "'steam'" in done.stderr


def test_without_a_prefect_yaml_nothing_is_deployed(
    set_up: SetUp, entrepot: Entrepot, tmp_path: Path
) -> None:
    assert set_up(folder=tmp_path)["deployments"] == "skipped"
    done = entrepot("setup", "--deploy", folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "prefect.yaml cannot be read" in done.stderr


def test_a_flow_that_is_not_there_fails_the_deployment(entrepot: Entrepot, small: Path) -> None:
    (small / "prefect.yaml").write_text(SMALL.format(about="One.").replace("plan.plan", "nil.nil"))
    done = entrepot("setup", folder=small)
    assert done.returncode == ExitCode.FAILED
    assert "prefect deploy --all` failed" in done.stderr
    assert "nil" in done.stderr


def test_without_a_server_it_is_refused(entrepot: Entrepot) -> None:
    done = entrepot("setup", PREFECT_API_URL="")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("entrepot: set PREFECT_API_URL first")
    assert done.stderr.count("\n") == 1


def test_a_server_that_does_not_answer_is_named(entrepot: Entrepot) -> None:
    url = "http://127.0.0.1:9/api"
    done = entrepot("setup", PREFECT_API_URL=url, PREFECT_CLIENT_MAX_RETRIES="0")
    assert done.returncode == ExitCode.UNREACHABLE
    assert url in done.stderr
    assert "Traceback" not in done.stderr
