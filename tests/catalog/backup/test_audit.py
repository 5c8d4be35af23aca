"""An audit finds what contradicts itself in the catalog; what the rest tells can be mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb
import pytest

from catalog.catalog import Catalog
from catalog.model.digest import Digest
from catalog.store.audit import Flaw
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps, file, outcome

Break = Callable[[str], None]


@pytest.fixture
def kept(catalog: Catalog) -> Catalog:
    """Return a catalog with some history, one version of it squashed."""
    desk = CatalogSteps(catalog)
    desk.sync([file("a"), file("b")])
    desk.sync([file("a", 2, "f"), file("b"), file("c")])
    desk.sync([file("a", 3, "g"), file("c", 5, "f")])
    catalog.versions.delete(HERE, 2)
    return catalog


@pytest.fixture
def broken(kept: Catalog) -> Break:
    """Run a statement behind the catalog's back."""

    def run(statement: str) -> None:
        kept.flush()
        with duckdb.connect(str(kept.path)) as connection:
            connection.execute(statement)

    return run


def recorded(catalog: Catalog) -> tuple[object, ...]:
    """Return what a catalog tells of a repository."""
    versions = catalog.versions
    return versions.all(HERE), list(versions.content(HERE)), list(catalog.holdings.all(HERE))


def test_a_whole_catalog_does_not_contradict_itself(kept: Catalog) -> None:
    assert kept.maintenance.audit()
    assert kept.maintenance.repair() == 0


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
    before = recorded(kept)
    broken(statement)

    found = kept.maintenance.audit()
    mended = kept.maintenance.repair()

    assert not found
    assert flaw in {one.flaw for one in found.contradictions}
    assert mended == found.count
    assert kept.maintenance.audit()
    assert before == recorded(kept)


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

    kept.maintenance.repair()
    found = kept.maintenance.audit()

    lines = [str(one) for one in found.contradictions if one.flaw is flaw]
    assert lines
    assert told in lines[0]


def test_an_order_that_was_set_aside_is_told(kept: Catalog) -> None:
    folder = kept.path.with_name(kept.path.name + ".d") / "quarantine"
    (folder / "0001.error.txt").write_text("0001.plan.json: it is no JSON\n")

    (only,) = kept.maintenance.audit().contradictions

    assert only.flaw is Flaw.ORDER
    assert "it is no JSON" in str(only)


def test_files_that_were_written_anew_with_the_same_bytes_are_no_contradiction(
    catalog: Catalog,
) -> None:
    desk = CatalogSteps(catalog)
    for etag in ("first", "second"):  # the second is counted as other bytes: nobody knows better
        one = file("a", 5, etag)
        desk.list_source([one])
        plan = desk.plan([one])
        same = [
            replace(outcome(HERE, item, item.actions[0]), digest=Digest.of(b"same").value)
            for item in desk.items(plan)
        ]
        catalog.runs.record_outcomes(etag, plan.plan_id, same)
        catalog.versions.record(etag, plan.plan_id)
    assert [one.replaced for one in catalog.versions.all(SOURCE)] == [0, 0, 1]
    assert [row.digest for row in catalog.versions.content(SOURCE, 1)] == [
        row.digest for row in catalog.versions.content(SOURCE, 2)
    ]
    assert catalog.maintenance.audit(), catalog.maintenance.audit()
