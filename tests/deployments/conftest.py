"""A Prefect server that nobody has set up yet, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.prefect_client import prefect_at
from tests.servers.prefect_server import (
    SOON,
    PrefectServer,
    prefect_over_postgres,
    prefect_server,
)
from tests.servers.process import ServerMissingError

ROOT = Path(__file__).parents[2]
Entrepot = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def prefect(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Generator[PrefectServer]:
    """Run one server for all tests of a module. Its log may hold no error.

    A module that says `SETTINGS` has it over PostgreSQL, as we ship it, and with these settings.
    """
    folder = tmp_path_factory.mktemp("prefect")
    settings: dict[str, str] | None = getattr(request.module, "SETTINGS", None)
    try:
        run = prefect_server if settings is None else prefect_over_postgres
        with run(folder, **SOON, **(settings or {})) as one:
            yield one
    except ServerMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def server(prefect: PrefectServer) -> str:
    """Return the URL of that server's API."""
    return prefect.api


@pytest.fixture
def client(server: str) -> Iterator[Any]:
    """Ask that server."""
    from prefect import get_client  # noqa: PLC0415

    with prefect_at(server), get_client(sync_client=True) as one:
        yield one


@pytest.fixture
def entrepot(server: str, tmp_path: Path) -> Entrepot:
    """Run the command in `folder`, by default where prefect.yaml lies."""

    def run(*words: object, folder: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PREFECT_API_URL": server,
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PYTHONPATH": str(ROOT),
            **more,
        }
        return subprocess.run(
            [sys.executable, "-m", "cli", *map(str, words)],
            cwd=folder,
            env={name: value for name, value in environment.items() if value},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


@pytest.fixture
def set_up(entrepot: Entrepot) -> Callable[..., dict[str, str]]:
    """Run `entrepot setup` to a good end; return what was done, by thing."""

    def run(*words: object, **more: Any) -> dict[str, str]:  # noqa: ANN401 - what `entrepot` takes
        done = entrepot("setup", "--json", *words, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return {step["name"]: step["change"] for step in json.loads(done.stdout)["steps"]}

    return run
