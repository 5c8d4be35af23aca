"""A Prefect server with deployments, a worker of it, and a gateway of two tenants beside them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from catalog.access.grants import Role
from catalog.catalog import Catalog
from catalog.settings import Settings
from tests.servers.prefect_client import prefect_at
from tests.servers.process import ROOT, free_ports, listens, program, running

T = TypeVar("T")
FLOWS = ("sync", "plan", "apply", "restore", "verify")


@dataclass(frozen=True, slots=True)
class Site:
    """What runs: a gateway, the catalog that it shares with the worker, and the folders served."""

    client: httpx.Client
    folder: Path
    prefect: str  # its API
    tokens: dict[str, str]

    def catalog(self, tenant: str) -> Catalog:
        """Return the catalog as a tenant sees it."""
        file = self.folder / "catalog" / "catalog.duckdb"
        return Catalog.open(Settings(catalog=file, tenant=tenant))

    def ask(self, method: str, path: str, who: str = "acme-admin", **given: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        """Ask the gateway as somebody."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        return self.client.request(method, path, headers=headers, **given)

    def ended(self, started: httpx.Response) -> dict[str, Any]:
        """Wait for the end of a run that was started."""
        assert started.status_code == 202, started.text
        place = started.headers["location"]
        answer = until(
            lambda: self.ask("GET", place).json(),
            lambda told: told["run"]["ended"] is not None,
        )
        return dict(answer)


def until(ask: Callable[[], T], fits: Callable[[T], bool], seconds: float = 300) -> T:
    """Ask until the answer fits."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if fits(answer):
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)


@contextmanager
def site(folder: Path, **acme: object) -> Generator[Site]:
    """Run it all while the block lasts; `acme` is what else its configuration says."""
    from orchestration.server_environment import SERVER_ENVIRONMENT  # noqa: PLC0415 - takes seconds

    prefect_port, port = free_ports(2)
    environment = {
        **SERVER_ENVIRONMENT,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{prefect_port}/api",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_CLIENT_MAX_RETRIES": "5",  # on a busy machine a server is slow, not gone
        "PREFECT_API_REQUEST_TIMEOUT": "60",
        "ENTREPOT_CATALOG": str(folder / "catalog" / "catalog.duckdb"),
        "ENTREPOT_GATEWAY_URL": f"http://127.0.0.1:{port}",
        "PYTHONPATH": str(ROOT),
    }
    for name in ("drop", "slow", "shelf", "other"):
        (folder / name).mkdir()
    config = folder / "gateway.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "tenants": {
                    "acme": {
                        "repositories": {
                            "drop": "drop",
                            "slow": "slow",
                            "shelf": str(folder / "shelf"),
                        },
                        **acme,
                    },
                    "other": {"repositories": {"other": str(folder / "other")}},
                }
            }
        )
    )
    server = ("server", "start", "--host", "127.0.0.1", "--port", str(prefect_port))
    worker = ("worker", "start", "--pool", "entrepot", "--type", "process")
    prefect = program("prefect")
    with running(
        [prefect, *server],
        lambda: listens(prefect_port),
        log=folder / "server.log",
        environment=environment,
        start_s=180,
    ):
        _deploy(environment["PREFECT_API_URL"], folder)
        with (
            running(
                [prefect, *worker], lambda: True, log=folder / "worker.log", environment=environment
            ),
            served(folder, config, port, environment) as client,
        ):
            found = Site(client, folder, environment["PREFECT_API_URL"], {})
            for tenant, role in (
                ("acme", Role.ADMIN),
                ("acme", Role.WRITER),
                ("acme", Role.READER),
                ("other", Role.ADMIN),
            ):
                _, text = found.catalog(tenant).tokens.create(role)
                found.tokens[f"{tenant}-{role}"] = text
            yield found


@contextmanager
def served(
    folder: Path, config: Path, port: int, environment: Mapping[str, str]
) -> Generator[httpx.Client]:
    """Run a gateway as a program while the block lasts."""
    command = ("-m", "cli", "gateway", "--config", str(config), "--port", str(port))
    with (
        running(
            [program("python"), *command],
            lambda: listens(port),
            log=folder / "gateway.log",
            environment=environment,
        ),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=450) as client,
    ):
        yield client


def _deploy(api: str, folder: Path) -> None:
    from importlib import import_module  # noqa: PLC0415

    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.actions import WorkPoolCreate  # noqa: PLC0415
    from prefect.types.entrypoint import EntrypointType  # noqa: PLC0415

    from blocks.limits import LimitSettings  # noqa: PLC0415
    from blocks.repository import Repository  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    with prefect_at(api):
        Repository.register_type_and_schema(_sync=True)  # type: ignore[call-arg]
        for name, limits in (("drop", LimitSettings()), ("slow", LimitSettings(bytes_per_s=2e5))):
            storage = LocalSettings(path=str(folder / name))
            Repository(storage=storage, limits=limits).save(name, _sync=True)  # type: ignore[call-arg]
        with get_client(sync_client=True) as client:
            client.create_work_pool(WorkPoolCreate(name="entrepot", type="process"))
        for name in FLOWS:
            flow = getattr(import_module(f"flows.{name}"), name)
            made = flow.to_deployment(
                name,
                work_pool_name="entrepot",
                entrypoint_type=EntrypointType.MODULE_PATH,
                _sync=True,
            )
            made.enforce_parameter_schema = True
            made.job_variables = {"env": {"PYTHONUNBUFFERED": "1"}}
            made.apply(_sync=True)


def names(folder: Path) -> set[str]:
    """Return the files of a folder, without ours."""
    return {
        one.relative_to(folder).as_posix()
        for one in folder.rglob("*")
        if one.is_file() and ".entrepot" not in one.parts
    }


def fill(folder: Path, count: int, size: int = 1000) -> None:
    """Put files into a folder."""
    for number in range(count):
        (folder / f"{number:03}.bin").write_bytes(os.urandom(size))
