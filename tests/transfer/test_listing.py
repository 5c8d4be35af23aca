"""Listing a storage whole, and telling how far it is."""

from __future__ import annotations

from pathlib import Path

from catalog.catalog import Catalog
from catalog.settings import Settings
from tests.transfer.endpoints import QUICK, folder
from transfer.inventory.listing import list_repository
from transfer.workers.stop import StopFlag


def test_a_long_listing_tells_how_far_it_is(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(2500):
        (source / str(number % 3)).mkdir(parents=True, exist_ok=True)
        (source / str(number % 3) / f"{number}").touch()
    catalog = Catalog.open(Settings(catalog=tmp_path / "catalog.duckdb"))
    told: list[int] = []
    listing = list_repository(
        catalog.spool, folder(source).storage, QUICK, StopFlag(), tell=told.append
    )
    assert listing.count == 2500
    assert told == [1000, 2000]
