"""A gateway on a free port of 127.0.0.1, with folders of its own for each test."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.catalog import Catalog
from catalog.settings import Settings
from tests.servers.process import free_ports


@dataclass
class Running:
    """A gateway that runs: where it listens, what it shares, and a client that asks it."""

    url: str
    application: Any  # gateway.app.Application, whose import loads Prefect
    client: httpx.Client
    folder: Path

    @property
    def catalog(self) -> Catalog:
        """Return the catalog of its first tenant."""
        found: Catalog = next(iter(self.application.gateway.tenants)).catalog
        return found

    def tokens(self, token: str) -> dict[str, str]:
        """Return the header that shows a token."""
        return {"Authorization": f"Bearer {token}"}


@contextmanager
def serving(folder: Path, **config: Any) -> Generator[Running]:  # noqa: ANN401 - what YAML holds
    """Run a gateway while the block lasts; `config` is what its file would say."""
    import uvicorn  # noqa: PLC0415

    from gateway.app import create_app  # noqa: PLC0415 - it loads Prefect, which takes seconds
    from gateway.config import GatewayConfig  # noqa: PLC0415

    tenants = config.pop("tenants", {"mytenant": {"repositories": {}}})
    settings = Settings(catalog=folder / "catalog" / "catalog.duckdb", tenant=next(iter(tenants)))
    given = GatewayConfig.model_validate({"tenants": tenants, **config})
    application = create_app(given, settings)
    (port,) = free_ports(1)
    server = uvicorn.Server(
        uvicorn.Config(application, host="127.0.0.1", port=port, log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 240
    while not server.started:
        assert thread.is_alive(), "it did not start"
        assert time.monotonic() < deadline, "it did not start in time"
        time.sleep(0.01)
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=60) as client:
            yield Running(url, application, client, folder)
    finally:
        server.should_exit = True
        thread.join(120)
        assert not thread.is_alive(), "it did not end"


@pytest.fixture
def running(tmp_path: Path) -> Generator[Running]:
    """Run a gateway with the one tenant `mytenant`."""
    with serving(tmp_path) as found:
        yield found
