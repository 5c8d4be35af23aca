"""The disk of the catalog is full: each thing that is asked of it is told so in words of ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import CatalogBroken
from catalog.model.gap import Gap
from catalog.model.outcome import Outcome, Status
from catalog.store.disk_errors import CatalogFull
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps, file
from tests.faults.kit.disk import full, small_disk

MANY = [file(f"d{number % 50}/{number:06}-{os.urandom(40).hex()}") for number in range(20_001)]
OUTCOMES = [
    Outcome(HERE, one.path, one.path, "add", Status.STORED, digest=f"{number:064x}")
    for number, one in enumerate(MANY)
]
ASKED: dict[str, Callable[[CatalogSteps], object]] = {
    "a listing": lambda desk: desk.listing(MANY),
    "a short listing": lambda desk: desk.listing(MANY[:3]),
    "a source's version": lambda desk: desk.list_source(MANY[:3]),
    "a plan": lambda desk: desk.plan(MANY[:3]),
    "outcomes": lambda desk: desk.catalog.runs.record_outcomes("run", "plan", OUTCOMES),
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small disk."""
    with small_disk(tmp_path / "disk", 64 * 2**20) as disk:
        yield disk


@pytest.fixture
def desk(disk: Path) -> CatalogSteps:
    """Make a catalog there, with a version."""
    made = CatalogSteps(Catalog(disk / "catalog.duckdb"))
    assert made.sync([file("a")]) is not None
    return made


@pytest.mark.parametrize("asked", ASKED)
def test_no_room_for_the_catalog_is_said_in_words_of_ours(
    disk: Path, desk: CatalogSteps, asked: str
) -> None:
    with full(disk), pytest.raises(CatalogFull, match="the disk of the catalog is full"):
        ASKED[asked](desk)
    left = [one.name for one in (desk.catalog.folder / "tmp").iterdir() if one.is_file()]
    assert left == []
    assert desk.sync([file("a"), file("b")]) is not None
    assert desk.paths(HERE) == ["a", "b"]


def test_what_was_acknowledged_waits_until_there_is_room(disk: Path, desk: CatalogSteps) -> None:
    listing = desk.listing([file("a")])
    with full(disk, leave=6 * 2**20):
        desk.catalog.runs.record_outcomes("later", "plan", OUTCOMES)
        desk.catalog.runs.record_gaps("later", SOURCE, "source", listing)
        with pytest.raises(CatalogBroken):
            desk.catalog.flush()
    desk.catalog.flush()
    assert desk.catalog.sql("SELECT count(*) FROM outcomes WHERE run_id = 'later'") == [
        (len(OUTCOMES),)
    ]
    assert list((desk.catalog.folder / "quarantine").iterdir()) == []


def test_what_nobody_waits_for_is_not_set_aside_for_want_of_room(
    disk: Path, desk: CatalogSteps
) -> None:
    with desk.catalog.spool() as spool:
        spool.add_gap(Gap("closed", "denied", below=True))
        listing = spool.finish()
    desk.catalog.runs.record_gaps("later", SOURCE, "source", listing)
    with full(disk), pytest.raises(CatalogBroken):
        desk.catalog.flush()
    assert [one.gap.path for one in desk.catalog.runs.gaps("later")] == ["closed"]
