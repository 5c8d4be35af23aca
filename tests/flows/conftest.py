"""Prefect for all flow tests, and a catalog of its own for each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.catalog import Catalog
from orchestration.mode import uses_prefect


@pytest.fixture(scope="session", autouse=True)
def _prefect(request: pytest.FixtureRequest) -> None:
    """Run every flow at Prefect's test server, or directly where ENTREPOT_PREFECT is `never`."""
    if uses_prefect():
        request.getfixturevalue("prefect_server")


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
