"""Versions: 0 is empty, no change makes none, failure makes none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.errors import InvalidInput, NotRecorded, RepositoryNotFound
from catalog.model.digest import Digest
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.plan import Action, Mode, Selection
from catalog.model.resource import Resource
from tests.catalog.catalog_steps import HERE, SOURCE, THERE, CatalogSteps, file

FILES = [file("a", 1), file("b/c", 2), file("b/d", 3)]


def test_version_0_is_there_from_the_first_sight_and_empty(desk: CatalogSteps) -> None:
    desk.list_source(FILES)

    first = desk.catalog.versions.all(SOURCE)[0]

    assert (first.number, first.base, first.total) == (0, None, 0)
    assert desk.paths(SOURCE, 0) == []


def test_a_second_listing_changes_nothing(desk: CatalogSteps) -> None:
    made = desk.list_source(FILES)

    assert desk.list_source(reversed(FILES)) == made
    assert (made.number, made.base, made.added, made.total, made.bytes) == (1, 0, 3, 3, 6)


def test_a_changed_listing_makes_the_next_version_and_keeps_the_old_one(desk: CatalogSteps) -> None:
    desk.list_source(FILES)

    made = desk.list_source([file("a", 1, "new"), file("b/c", 2), file("e", 5)])

    assert (made.number, made.added, made.replaced, made.removed) == (2, 1, 1, 1)
    assert desk.paths(SOURCE) == ["a", "b/c", "e"]
    assert desk.paths(SOURCE, 1) == ["a", "b/c", "b/d"]


def test_an_empty_listing_is_a_version_too(desk: CatalogSteps) -> None:
    desk.list_source(FILES)

    assert desk.list_source([]).total == 0


def test_a_changed_etag_is_no_change_when_the_digest_is_equal(desk: CatalogSteps) -> None:
    digest = Digest.of(b"x")
    made = desk.list_source([file("a", 1, "e", digest)])

    assert desk.list_source([file("a", 1, "f", digest)]) == made


def test_properties_and_types_are_remembered(desk: CatalogSteps) -> None:
    desk.list_source([Resource("a", content_type="text/plain", properties={"k": "v"})])

    (row,) = desk.catalog.versions.content(SOURCE)

    assert (row.content_type, row.properties, row.size) == ("text/plain", '{"k": "v"}', None)


def test_a_listing_with_a_path_twice_is_refused_by_name(desk: CatalogSteps) -> None:
    with pytest.raises(InvalidInput, match="'a' twice"):
        desk.list_source([file("a"), file("b"), file("a", 2)])

    assert desk.catalog.versions.latest(SOURCE).number == 0


def test_a_repository_that_was_never_seen_is_not_found(desk: CatalogSteps) -> None:
    with pytest.raises(RepositoryNotFound):
        desk.catalog.versions.latest("s3://never")


def test_a_version_that_was_never_made_is_not_found(desk: CatalogSteps) -> None:
    desk.list_source(FILES)

    with pytest.raises(NotRecorded):
        desk.paths(SOURCE, 7)


def test_a_sync_makes_a_version_and_the_next_one_makes_none(desk: CatalogSteps) -> None:
    made = desk.sync(FILES, "first")

    assert made is not None
    assert (made.address, made.number, made.base, made.run_id) == (HERE, 1, 0, "first")
    assert desk.sync(FILES, "second") is None
    assert [one.number for one in desk.catalog.versions.all(HERE)] == [0, 1]


def test_making_the_versions_of_a_plan_twice_gives_the_same_ones(desk: CatalogSteps) -> None:
    plan = desk.plan(FILES, HERE, THERE)
    desk.carry_out(plan)

    made = desk.catalog.versions.record("run", plan.plan_id)

    assert desk.catalog.versions.record("run", plan.plan_id) == made
    assert [version and version.total for version in made] == [3, 3]


def test_a_failure_makes_no_version_unless_that_is_allowed(desk: CatalogSteps) -> None:
    plan = desk.plan(FILES)
    desk.carry_out(plan, "run", "a")

    assert desk.catalog.versions.record("run", plan.plan_id) == (None,)
    (partial,) = desk.catalog.versions.record("run", plan.plan_id, allow_partial=True)
    assert partial is not None
    assert desk.paths(HERE) == ["b/c", "b/d"]


def test_what_was_not_finished_makes_no_version(desk: CatalogSteps) -> None:
    plan = desk.plan(FILES)

    assert desk.catalog.versions.record("run", plan.plan_id) == (None,)


def test_the_digests_that_a_sync_computed_are_known_of_the_source_too(desk: CatalogSteps) -> None:
    desk.list_source(FILES)
    desk.sync(FILES)

    known = {row.path: row.digest for row in desk.catalog.versions.content(SOURCE)}

    assert known == {row.path: row.digest for row in desk.catalog.versions.content(HERE)}
    assert all(known.values())
    assert desk.list_source(FILES).number == 1


def test_equal_bytes_count_once_in_the_distinct_size(desk: CatalogSteps) -> None:
    same = Digest.of(b"same")
    desk.list_source([file("a", 4, "e", same), file("b", 4, "e", same), file("c", 3)])

    sizes = desk.catalog.versions.sizes(SOURCE)

    assert (sizes.count, sizes.bytes, sizes.distinct_bytes) == (3, 11, 7)


def test_only_what_was_written_to_is_known_as_written(desk: CatalogSteps) -> None:
    desk.list_source(FILES)
    desk.sync(FILES)
    desk.catalog.versions.record_listing(THERE, desk.listing(FILES))
    seen = desk.catalog.repositories.written()
    adopted = Outcome(
        THERE, "a", "a", Action.KEEP, Status.KEPT, digest="0" * 64, size=1, proof=Proof.WRITE_PROVED
    )

    desk.catalog.runs.record_outcomes("run", "", [adopted])

    assert seen == {HERE: 3}
    assert desk.catalog.repositories.written() == {HERE: 3, THERE: 3}


def test_what_was_written_to_is_known_as_written_when_nothing_is_left(desk: CatalogSteps) -> None:
    desk.sync(FILES)
    request = replace(desk.request([]), mode=Mode.MIRROR, selection=Selection(allow_empty=True))
    plan = desk.catalog.plans.make(request)
    desk.carry_out(plan)
    desk.catalog.versions.record("run", plan.plan_id)

    assert desk.catalog.repositories.written() == {HERE: 0}
