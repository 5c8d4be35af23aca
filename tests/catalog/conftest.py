"""A catalog of its own for each test, and the words to fill it."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.catalog import Catalog
from tests.catalog.catalog_steps import CatalogSteps


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Return an empty catalog."""
    return Catalog(tmp_path / "catalog.duckdb", timeout_s=30)


@pytest.fixture
def desk(catalog: Catalog) -> CatalogSteps:
    """Return the catalog with short words for what tests do over and over."""
    return CatalogSteps(catalog)
