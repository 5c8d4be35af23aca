"""What a listing could not see: it is neither gone nor proven, and whoever asks is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from catalog.catalog import Catalog
from catalog.inbox.spool import MAX_GAPS, Listing
from catalog.model.finding import Fault
from catalog.model.gap import BOUND, NAME, Gap, Listed, files_collecting_gaps
from catalog.model.plan import Mode, Selection, Target
from catalog.model.resource import LATEST_US, Resource
from catalog.model.run import PlanRow
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps, file

CLOSED = Gap("closed", "denied", "access-denied", below=True)
ONE = Gap("closed/one", "denied", "access-denied")


def listing(catalog: Catalog, listed: Iterable[Listed]) -> Listing:
    with catalog.spool() as spool:
        for one in listed:
            spool.add_entry(one)
        return spool.finish()


@pytest.mark.parametrize(
    ("gap", "path", "held"),
    [
        (CLOSED, "closed/a/b", True),
        (CLOSED, "closed", True),
        (CLOSED, "closed2/a", False),
        (ONE, "closed/one", True),
        (ONE, "closed/one/more", False),
        (Gap("", "denied", below=True), "anything", True),
    ],
)
def test_a_gap_holds_its_path_and_what_lies_below_if_it_is_a_folder(
    gap: Gap,
    path: str,
    held: bool,  # noqa: FBT001  # a column of the table
) -> None:
    assert gap.covers(path) is held


@pytest.mark.parametrize(
    ("gap", "selection", "concerned"),
    [
        (CLOSED, Selection(), True),
        (CLOSED, Selection(exclude=("closed/**",)), False),
        (CLOSED, Selection(exclude=("closed/",)), False),
        (CLOSED, Selection(exclude=("closed/*",)), True),
        (CLOSED, Selection(exclude=("*.part",)), True),
        (CLOSED, Selection(include=("open/**",)), False),
        (CLOSED, Selection(include=("open/**", "*.csv")), True),
        (CLOSED, Selection(include=("closed/deep/*.csv",)), True),
        (CLOSED, Selection(include=("clo*/x",)), True),
        (CLOSED, Selection(include=("/closed",)), False),
        (CLOSED, Selection(include=("**/x",)), True),
        (CLOSED, Selection(include=("**",), also_include=("open/*",)), False),
        (ONE, Selection(exclude=("one",)), False),
        (ONE, Selection(exclude_regex=("one$",)), False),
        (ONE, Selection(include=("closed/*",)), True),
        (ONE, Selection(include=("closed/two",)), False),
        (Gap("", "denied", below=True), Selection(exclude=("**",)), False),
        (Gap("a/b", "denied", below=True), Selection(include=("a/b/c/d",)), True),
        (Gap("a/b", "denied", below=True), Selection(include=("a/c/d/e",)), False),
    ],
)
def test_a_gap_that_the_selection_leaves_out_concerns_nobody(
    gap: Gap,
    selection: Selection,
    concerned: bool,  # noqa: FBT001  # a column of the table
) -> None:
    assert gap.affects(selection) is concerned


def test_a_name_that_cannot_be_carried_is_a_gap_and_the_rest_is_listed(catalog: Catalog) -> None:
    odd = [Resource("a\x00b"), Resource(""), Resource("\udc80"), Resource("x" * 70_000)]

    found = listing(catalog, [*odd, file("/a"), file("a//b"), file("./c")])

    assert (found.count, found.gaps) == (3, 4)
    catalog.runs.record_gaps("run", SOURCE, "source", found)
    assert {one.gap.code for one in catalog.runs.gaps("run")} == {NAME}
    assert "a␀b" in {one.gap.path for one in catalog.runs.gaps("run")}


@pytest.mark.parametrize("modified_us", [-1, LATEST_US + 1, 2**70])
def test_a_time_that_cannot_be_held_is_dropped_with_a_note(
    catalog: Catalog, modified_us: int
) -> None:
    found = listing(catalog, [Resource("old", size=1, modified_us=modified_us)])

    assert (found.count, found.gaps, found.noted) == (1, 0, 1)
    assert "'old': its time" in found.notes[0]


def test_a_size_that_no_file_has_is_dropped_with_a_note(catalog: Catalog) -> None:
    found = listing(catalog, [Resource("a", size=-1), Resource("b", size=2**63)])

    assert (found.count, found.noted, found.bytes) == (2, 2, 0)


def test_an_etag_of_any_characters_fails_nothing(catalog: Catalog) -> None:
    found = listing(catalog, [Resource("a", size=1, etag="\udc80\x00", content_type="\ud800")])

    assert (found.count, found.gaps) == (1, 0)


def test_very_many_gaps_are_one_of_everything(catalog: Catalog) -> None:
    found = listing(catalog, (Gap(f"d{number}", "denied") for number in range(MAX_GAPS + 2)))

    catalog.runs.record_gaps("run", SOURCE, "source", found)
    (one,) = catalog.runs.gaps("run")
    assert (one.gap.path, one.gap.below, one.gap.code) == ("", True, BOUND)


def test_files_are_yielded_and_gaps_are_collected() -> None:
    gaps: list[Gap] = []

    assert list(files_collecting_gaps([file("a"), CLOSED, file("b")], gaps)) == [
        file("a"),
        file("b"),
    ]
    assert gaps == [CLOSED]


@pytest.mark.parametrize("gap", [CLOSED, Gap("", "no answer", below=True)], ids=["folder", "root"])
def test_the_version_of_a_source_carries_over_what_lies_in_a_gap(
    desk: CatalogSteps, gap: Gap
) -> None:
    desk.list_source([file("closed/a"), file("closed/b/c"), file("open/a"), file("open/b")])

    partial = listing(desk.catalog, [file("open/a"), file("open/new"), gap])
    version = desk.catalog.versions.record_listing(SOURCE, partial)

    kept = ["open/b"] if gap.path == "" else []
    expected = sorted(["closed/a", "closed/b/c", "open/a", "open/new", *kept])
    assert desk.paths(SOURCE) == expected
    assert version.removed == len(["open/b"]) - len(kept)


def test_a_gap_of_one_name_keeps_its_neighbours_known(desk: CatalogSteps) -> None:
    desk.list_source([file("closed/one"), file("closed/two"), file("closed/one/below")])

    desk.catalog.versions.record_listing(SOURCE, listing(desk.catalog, [ONE]))

    assert desk.paths(SOURCE) == ["closed/one"]


def rows(desk: CatalogSteps, plan_id: str) -> dict[str, PlanRow]:
    return {one.path: one for one in desk.catalog.plans.rows(plan_id)}


def test_a_mirror_removes_nothing_that_lies_in_a_gap(desk: CatalogSteps) -> None:
    desk.sync([file("closed/a"), file("open/a"), file("open/b")])
    wanted = listing(desk.catalog, [file("open/a"), CLOSED])
    request = replace(desk.request([]), wanted=wanted.listing_id, mode=Mode.MIRROR)

    plan = desk.catalog.plans.make(request)

    told = {path: (one.action, one.reason) for path, one in rows(desk, plan.plan_id).items()}
    assert told == {
        "closed/a": ("keep", "could not be seen at the source"),
        "open/a": ("keep", "same etag"),
        "open/b": ("remove", "gone from the source"),
    }
    desk.carry_out(plan)
    desk.catalog.versions.record("run", plan.plan_id)
    assert desk.paths(HERE) == ["closed/a", "open/a"]


def test_what_the_destination_does_not_show_is_not_taken_for_missing(desk: CatalogSteps) -> None:
    desk.sync([file("closed/a"), file("open/a")])
    there = listing(desk.catalog, [replace(file("open/a"), etag=None), CLOSED])
    wanted = [file("closed/a"), file("closed/new"), file("open/a")]
    request = replace(desk.request(wanted), targets=(Target(HERE, there.listing_id),))

    plan = desk.catalog.plans.make(request)

    told = {path: (one.action, one.reason) for path, one in rows(desk, plan.plan_id).items()}
    assert told["closed/a"] == ("keep", "same etag")
    assert told["closed/new"] == ("replace", "could not be seen at the destination")


def test_a_plan_applied_where_the_source_has_a_gap_by_now_is_outdated(desk: CatalogSteps) -> None:
    request = desk.request([file("closed/a"), file("open/a")])
    desk.catalog.plans.make(request)
    now = listing(desk.catalog, [file("open/a"), CLOSED])

    count, moved = desk.catalog.plans.recheck(replace(request, wanted=now.listing_id))

    assert count == 1
    assert moved[0].startswith("'closed/a' could not be seen at the source")


def test_what_could_not_be_seen_is_no_damage_and_no_proof(desk: CatalogSteps) -> None:
    desk.sync([file("closed/a"), file("open/a")])
    there = listing(desk.catalog, [CLOSED])

    found = {
        one.path: one.fault
        for one in desk.catalog.versions.drift(HERE, 1, there, match_etags=False)
    }

    assert found == {"closed/a": Fault.UNSEEN, "open/a": Fault.MISSING}


def test_gaps_are_told_by_run_and_forgotten_with_it(desk: CatalogSteps) -> None:
    found = listing(desk.catalog, [CLOSED, ONE])
    desk.catalog.runs.record_gaps("run", SOURCE, "source", found)

    assert [one.gap for one in desk.catalog.runs.gaps("run")] == [CLOSED, ONE]
    assert desk.catalog.runs.gaps("another") == []
    assert {one.address for one in desk.catalog.runs.gaps("run")} == {SOURCE}


def test_a_file_beside_a_folder_of_its_name_is_told_where_the_target_is_a_tree(
    desk: CatalogSteps,
) -> None:
    wanted = [file("a"), file("a b"), file("a/b/c"), file("a/b"), file("a-b")]

    conflicts = {one.path: one.conflict for one in desk.items(desk.plan(wanted))}

    assert conflicts == {"a": "a/b", "a b": None, "a/b": "a", "a/b/c": "a", "a-b": None}
    flat = replace(desk.request(wanted), targets=(Target("s3://flat", tree=False),))
    items = desk.items(desk.catalog.plans.make(flat))
    assert {one.conflict for one in items} == {None}
