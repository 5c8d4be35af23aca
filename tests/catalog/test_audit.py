"""An audit finds what contradicts itself in the catalog; what the rest tells can be mended."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from catalog.audit import Flaw
from catalog.store import Catalog
from tests.catalog.desk import HERE, Desk, file

Break = Callable[[str], None]


@pytest.fixture
def kept(catalog: Catalog) -> Catalog:
    """Return a catalog with some history, one version of it squashed."""
    desk = Desk(catalog)
    desk.sync([file("a"), file("b")])
    desk.sync([file("a", 2, "f"), file("b"), file("c")])
    desk.sync([file("a", 3, "g"), file("c", 5, "f")])
    catalog.delete_version(HERE, 2)
    return catalog


@pytest.fixture
def broken(kept: Catalog) -> Break:
    """Run a statement behind the catalog's back."""

    def run(statement: str) -> None:
        kept.settle()
        with duckdb.connect(str(kept.path)) as connection:
            connection.execute(statement)

    return run


def test_a_whole_catalog_does_not_contradict_itself(kept: Catalog) -> None:
    assert kept.audit()
    assert kept.mend() == 0


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        ("UPDATE repository_versions SET total = total + 1 WHERE number = 3", Flaw.COUNT),
        ("UPDATE repository_versions SET added = 7, bytes = 0", Flaw.COUNT),
        ("UPDATE content SET nkey = md5('other')::UUID WHERE path = 'a'", Flaw.KEY),
        ("UPDATE locations SET nkey = md5('other')::UUID WHERE path = 'a'", Flaw.KEY),
        ("DELETE FROM artifacts", Flaw.ARTIFACT),
        ("INSERT INTO locations SELECT * FROM locations WHERE path = 'c'", Flaw.LOCATION),
    ],
)
def test_what_the_rest_of_the_catalog_tells_is_mended(
    kept: Catalog, broken: Break, statement: str, flaw: Flaw
) -> None:
    before = kept.versions(HERE), list(kept.content(HERE)), list(kept.holdings(HERE))
    broken(statement)

    found = kept.audit()
    mended = kept.mend()

    assert not found
    assert flaw in {one.flaw for one in found.contradictions}
    assert mended == found.count
    assert kept.audit()
    assert before == (kept.versions(HERE), list(kept.content(HERE)), list(kept.holdings(HERE)))


@pytest.mark.parametrize(
    ("statement", "flaw", "told"),
    [
        (
            "INSERT INTO content SELECT * FROM content WHERE path = 'c'",
            Flaw.SPAN,
            "'c': expected one content at a time",
        ),
        (
            "UPDATE content SET removed_in = added_in WHERE path = 'c'",
            Flaw.SPAN,
            "'c': expected one content at a time, found from 3 to 3",
        ),
        ("UPDATE content SET added_in = 9 WHERE path = 'c'", Flaw.VERSION, "version 9 'c'"),
    ],
)
def test_what_is_lost_is_named(
    kept: Catalog, broken: Break, statement: str, flaw: Flaw, told: str
) -> None:
    broken(statement)

    kept.mend()
    found = kept.audit()

    lines = [str(one) for one in found.contradictions if one.flaw is flaw]
    assert lines
    assert told in lines[0]


def test_an_order_that_was_set_aside_is_told(kept: Catalog) -> None:
    folder = kept.path.with_name(kept.path.name + ".d") / "quarantine"
    (folder / "0001.error.txt").write_text("0001.plan.json: it is no JSON\n")

    (only,) = kept.audit().contradictions

    assert only.flaw is Flaw.ORDER
    assert "it is no JSON" in str(only)
