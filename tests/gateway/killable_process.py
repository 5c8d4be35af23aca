"""A gateway as a process of its own, which a test may kill.

`python -m uvicorn --factory tests.gateway.killable_process:made` is what runs; its catalog is
that of the environment, and its one tenant `mytenant`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.servers.process import ROOT, end, free_ports, listens, running

if TYPE_CHECKING:
    from gateway.app import Application


def made() -> Application:
    """Return the application that the environment describes."""
    from catalog.settings import Settings  # noqa: PLC0415
    from gateway.app import create_app  # noqa: PLC0415 - it loads Prefect, in the process alone
    from gateway.config import GatewayConfig  # noqa: PLC0415

    config = GatewayConfig.model_validate({"tenants": {"mytenant": {"repositories": {}}}})
    return create_app(config, Settings())


@dataclass(frozen=True, slots=True)
class Process:
    """A gateway that runs, and a client that asks it."""

    client: httpx.Client
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it at once, as a crash would."""
        end(self.process, signal.SIGKILL)


@contextmanager
def gateway_process(folder: Path, **environment: str) -> Generator[Process]:
    """Run a gateway with the catalog that `serving` has in this folder."""
    (port,) = free_ports(1)
    place = "tests.gateway.killable_process:made"
    command = [sys.executable, "-m", "uvicorn", "--factory", place, "--port", str(port)]
    settings = {
        "ENTREPOT_CATALOG": str(folder / "catalog" / "catalog.duckdb"),
        "ENTREPOT_TENANT": "mytenant",
        "PYTHONPATH": str(ROOT),
        **environment,
    }
    with (
        running(
            command, lambda: listens(port), log=folder / "log", environment=settings
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield Process(client, process)
