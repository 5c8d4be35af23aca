"""Whether anything may have been recorded since, told without opening the catalog."""

from __future__ import annotations

import time
from pathlib import Path

from catalog.catalog import Catalog
from catalog.catalog_file import RACY_NS
from tests.catalog.catalog_steps import CatalogSteps, file

QUIET_S = RACY_NS / 1e9 * 2


def test_the_generation_stays_while_nothing_is_recorded(desk: CatalogSteps) -> None:
    desk.sync([file("a")])
    time.sleep(QUIET_S)
    before = desk.catalog.generation()
    desk.catalog.runs.all()
    desk.catalog.versions.latest("s3://here")
    desk.catalog.flush()
    assert desk.catalog.generation() == before
    assert Catalog(desk.catalog.path).generation() == before


def test_what_another_hands_over_or_folds_changes_the_generation(desk: CatalogSteps) -> None:
    desk.sync([file("a")])
    time.sleep(QUIET_S)
    seen = [desk.catalog.generation()]
    other = Catalog(desk.catalog.path)
    for record in (
        lambda: other.runs.end("run", "completed"),
        other.flush,
        lambda: other.retention.keep("s3://here", 2),
    ):
        record()
        time.sleep(QUIET_S)
        seen.append(desk.catalog.generation())
    assert len(set(seen)) == len(seen)


def test_right_after_a_change_no_generation_is_like_another(desk: CatalogSteps) -> None:
    desk.catalog.runs.end("run", "completed")
    assert desk.catalog.generation() != desk.catalog.generation()


def test_a_catalog_that_is_not_there_yet_has_a_generation(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    assert catalog.generation()[:3] == (0, 0, 0)
