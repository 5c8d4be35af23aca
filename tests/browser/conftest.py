"""A Prefect server with its UI, the flow `sync` deployed there, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.servers.prefect_client import prefect_at
from tests.servers.process import free_ports, listens, program, running

# The network is closed to Chromium, and its own requests at the start would be refused one by one.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True, slots=True)
class Prefect:
    """A server: its address, its home, and the id of the deployment of `sync`."""

    url: str
    home: Path
    sync: str

    @property
    def environment(self) -> dict[str, str]:
        """What a worker of it needs."""
        return {
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_HOME": str(self.home),
            "ENTREPOT_CATALOG": str(self.home / "catalog.duckdb"),
        }


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Generator[Prefect]:
    """Run a server for all tests of a module, with the block types and `sync` in a work pool."""
    from orchestration.server_environment import SERVER_ENVIRONMENT  # noqa: PLC0415

    home = tmp_path_factory.mktemp("prefect")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    environment = {**SERVER_ENVIRONMENT, "PREFECT_HOME": str(home)}
    environment |= {"PREFECT_SERVER_UI_API_URL": f"{url}/api"}
    words = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
    with (
        running(
            [program("prefect"), *words],
            lambda: listens(port),
            log=home / "server.log",
            environment=environment,
            start_s=180,
        ),
        prefect_at(f"{url}/api"),
    ):
        yield Prefect(url, home, _deployed())


def _deployed() -> str:
    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.actions import WorkPoolCreate  # noqa: PLC0415
    from prefect.types.entrypoint import EntrypointType  # noqa: PLC0415

    from blocks.repository import Repository  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    Repository.register_type_and_schema(_sync=True)  # type: ignore[call-arg]
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="entrepot", type="process"))
    made = sync.to_deployment(
        "sync",
        work_pool_name="entrepot",
        entrypoint_type=EntrypointType.MODULE_PATH,
        _sync=True,  # type: ignore[call-arg]
    )
    return str(made.apply(_sync=True))  # type: ignore[union-attr, call-arg]


@pytest.fixture
def page() -> Generator[Page]:
    """Open an empty page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; tests/servers/install does it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = browser.new_page(viewport={"width": 1300, "height": 1600})
        page.set_default_timeout(30_000)
        yield page
        browser.close()
