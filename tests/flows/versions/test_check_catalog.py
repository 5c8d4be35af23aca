"""The flow that checks the catalog."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from catalog.catalog import Catalog


def test_a_catalog_is_checked_and_mended(source: Path, tmp_path: Path, catalog: Catalog) -> None:
    from flows.check_catalog import CatalogInconsistent, check_catalog  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    sync(str(source), [str(tmp_path / "end")])
    whole = check_catalog()
    with duckdb.connect(str(catalog.path)) as connection:
        connection.execute("UPDATE repository_versions SET total = 77 WHERE number = 1")

    with pytest.raises(CatalogInconsistent, match="77 files") as raised:
        check_catalog()
    mended = check_catalog(mend=True)

    assert whole
    assert not whole.mended
    assert "mend=True" in str(raised.value)
    assert mended
    assert mended.mended == 2  # source and destination
    assert catalog.versions.latest((tmp_path / "end").as_uri()).total == 3
