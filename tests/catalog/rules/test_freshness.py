"""What should have come, and whether it has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, RepositoryNotFound
from catalog.model.resource import Resource
from catalog.rules.freshness import Arrivals, Objective, pattern_at
from catalog.settings import Settings

NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
PLACE = "file:///srv/drop"


@pytest.mark.parametrize(
    ("objective", "found", "why"),
    [
        (Objective(), Arrivals(1, 0, NOW), None),
        (Objective(files=0), Arrivals(0, 0, None), None),
        (Objective("*.csv"), Arrivals(0, 0, None), "no file matching '*.csv' exists"),
        (
            Objective("*.csv", within_s=93_600),
            Arrivals(0, 0, NOW - timedelta(days=3)),
            "no file matching '*.csv' arrived within 1 d 2 h; the last one 2026-02-28 06:00 UTC",
        ),
        (
            Objective("*.csv", within_s=60, files=3, bytes=10),
            Arrivals(2, 4, NOW),
            (
                "expected 3 files and 10 bytes matching '*.csv', "
                "2 files with 4 bytes arrived within 1 min"
            ),
        ),
        (
            Objective("*.csv", bytes=10),
            Arrivals(1, 4, NOW),
            "expected 1 files and 10 bytes matching '*.csv', 1 files with 4 bytes exist",
        ),
    ],
    ids=["met", "nothing wanted", "none there", "too old", "too few", "too small"],
)
def test_what_is_missing_is_told(objective: Objective, found: Arrivals, why: str | None) -> None:
    assert objective.shortfall(found, NOW) == why


def test_codes_of_a_pattern_stand_for_the_moment_in_utc() -> None:
    there = NOW.astimezone(datetime.strptime("+0900", "%z").tzinfo) - timedelta(hours=7)
    assert pattern_at("d/%Y/%m-%d_%H-100%%", there) == "d/2026/03-02_23-100%"
    with pytest.raises(InvalidInput, match="'%x'"):
        pattern_at("a%x", NOW)
    with pytest.raises(InvalidInput, match="'%'"):
        pattern_at("100%", NOW)


def test_only_what_came_lately_and_still_is_there_counts(tmp_path: Path) -> None:
    catalog = Catalog.open(Settings(catalog=tmp_path / "catalog.duckdb"))
    now = datetime.now(UTC)
    old_us = int((now - timedelta(days=30)).timestamp() * 1e6)
    late_us = int((now + timedelta(days=30)).timestamp() * 1e6)

    def listed(*resources: Resource) -> None:
        with catalog.spool() as spool:
            for one in resources:
                spool.add(one)
            listing = spool.finish()
        catalog.versions.record_listing(PLACE, listing)

    with pytest.raises(RepositoryNotFound):
        catalog.versions.count_arrivals(PLACE, Objective(), now)
    listed(
        Resource("a.csv", size=3, etag="1", modified_us=old_us),
        Resource("sub/b.csv", size=4, etag="1", modified_us=late_us),
        Resource("c.txt", size=5, etag="1"),
    )
    now = datetime.now(UTC)
    lately = catalog.versions.count_arrivals(PLACE, Objective("*.csv", within_s=3600), now)
    assert (lately.files, lately.bytes) == (2, 7)
    assert lately.newest is not None
    assert abs(lately.newest - now) < timedelta(minutes=5), "a time to come says nothing"

    tomorrow = now + timedelta(days=1)
    assert (
        catalog.versions.count_arrivals(PLACE, Objective("*.csv", within_s=3600), tomorrow).files
        == 0
    )
    assert catalog.versions.count_arrivals(PLACE, Objective("*.csv"), tomorrow).files == 2
    assert catalog.versions.count_arrivals(PLACE, Objective("%Y.csv"), tomorrow).files == 0

    fresh_us = int((tomorrow - timedelta(minutes=1)).timestamp() * 1e6)
    listed(Resource("a.csv", size=3, etag="2", modified_us=fresh_us))
    again = catalog.versions.count_arrivals(PLACE, Objective("*.csv", within_s=3600), tomorrow)
    assert (again.files, again.bytes) == (1, 3), "b.csv is gone, a.csv was written anew"
