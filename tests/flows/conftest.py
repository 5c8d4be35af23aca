"""Prefect for all flow tests, and a catalog of its own for each of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from orchestration.mode import uses_prefect

OF_VERBS = {"archives", "layouts", "sync", "versions", "workflows"}
"""Folders of tests that see what verbs do, and not what Prefect shows of it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need no Prefect."""
    here = Path(__file__).parent
    for item in items:
        below = item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in OF_VERBS
        if below and item.get_closest_marker("prefect") is None:
            item.add_marker("direct")


@pytest.fixture(scope="session", autouse=True)
def _prefect(request: pytest.FixtureRequest) -> None:
    """Run every flow at Prefect's test server, or directly where ENTREPOT_PREFECT is `never`."""
    if uses_prefect():
        request.getfixturevalue("prefect_server")
    else:
        sys.modules["prefect"] = None  # type: ignore[assignment] # whoever imports it fails


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
