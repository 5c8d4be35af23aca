"""One Prefect server for all flow tests, and a catalog of its own for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.store import Catalog


@pytest.fixture(scope="session", autouse=True)
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run Prefect's own test server; importing Prefect costs seconds, so only here."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

    from blocks.local_server import SERVER_ENVIRONMENT  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        for name, value in SERVER_ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        with prefect_test_harness(server_startup_timeout=180):
            yield


@pytest.fixture(autouse=True)
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Give every test an empty catalog."""
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    return Catalog.open()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a small source: three files, one of them empty."""
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("alpha")
    (folder / "sub" / "b.bin").write_bytes(bytes(range(256)) * 50)
    (folder / "empty").touch()
    return folder
