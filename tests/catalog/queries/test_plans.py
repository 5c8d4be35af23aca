"""Plans: rows with reasons, batches within their limits, items, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from catalog.errors import (
    CatalogBroken,
    DigestNotAllowed,
    InvalidInput,
    NothingMatched,
    NotRecorded,
)
from catalog.inbox.plan_request import request_from_json, request_to_json
from catalog.model.digest import Digest
from catalog.model.modification import Addition, Modification, apply_modification
from catalog.model.plan import (
    Action,
    BatchLimits,
    Mode,
    RecordedLocation,
    Selection,
    Strategy,
    Target,
)
from catalog.model.resource import Resource
from catalog.orders.make_plan import MAX_KEPT_ROWS
from catalog.rules.batching import batch_starts
from tests.catalog.catalog_steps import HERE, SOURCE, THERE, CatalogSteps, file

FILES = [file(f"d/{number}", number) for number in range(10)]


def test_a_plan_is_falsy_when_there_is_nothing_to_do(desk: CatalogSteps) -> None:
    first = desk.plan(FILES)
    desk.carry_out(first)

    second = desk.plan(FILES)

    assert first
    assert not second
    assert second.tallies[0].keep == second.matched == 10
    assert [row.reason for row in desk.catalog.plans.rows(second.plan_id, limit=2)] == [
        "same etag"
    ] * 2


def test_the_same_inputs_give_the_same_digest(desk: CatalogSteps) -> None:
    request = desk.request(FILES, HERE, THERE)

    first = desk.catalog.plans.make(request)
    again = desk.catalog.plans.make(replace(request, plan_id="again"))
    other = desk.catalog.plans.make(replace(request, plan_id="other", mode=Mode.MIRROR))

    assert first.digest == again.digest != other.digest


def test_a_plan_is_stored_once_whatever_is_asked(desk: CatalogSteps) -> None:
    request = desk.request(FILES)

    assert desk.catalog.plans.make(request) == desk.catalog.plans.make(request)
    assert len(desk.catalog.plans.rows(request.plan_id)) == 10


def test_batches_follow_the_paths_and_keep_their_limits(desk: CatalogSteps) -> None:
    request = replace(desk.request(FILES), limits=BatchLimits(count=3, bytes=9))

    plan = desk.catalog.plans.make(request)

    batches = desk.catalog.plans.batches(plan.plan_id)
    assert [(one.count, one.bytes) for one in batches] == [
        (3, 3),
        (2, 7),
        (1, 5),
        (1, 6),
        (1, 7),
        (1, 8),
        (1, 9),
    ]
    assert plan.batches == 7
    assert [item.path for item in desk.items(plan)] == [one.path for one in FILES]


@pytest.mark.parametrize(
    ("sizes", "starts"),
    [
        ([], []),
        ([0], [0]),
        ([99], [0]),
        ([1, 99, 1], [0, 1, 2]),
        ([5, 5, 1], [0, 2]),
        ([0] * 7, [0, 3, 6]),
    ],
    ids=repr,
)
def test_a_batch_begins_where_the_last_one_is_full(sizes: list[int], starts: list[int]) -> None:
    assert list(batch_starts(sizes, BatchLimits(count=3, bytes=10))) == starts


def test_a_file_is_read_once_for_all_the_destinations_that_need_it(desk: CatalogSteps) -> None:
    desk.sync(FILES[:1])

    items = desk.items(desk.plan(FILES[:2], HERE, THERE))

    assert [(item.path, item.destinations, item.actions) for item in items] == [
        ("d/0", (1,), (Action.ADD,)),
        ("d/1", (0, 1), (Action.ADD, Action.ADD)),
    ]


def test_a_mirror_removes_what_is_gone_in_batches_of_its_own(desk: CatalogSteps) -> None:
    desk.sync(FILES)
    request = replace(desk.request([*FILES[:2], file("new")]), mode=Mode.MIRROR)

    plan = desk.catalog.plans.make(request)
    desk.carry_out(plan, "second")
    (made,) = desk.catalog.versions.record("second", plan.plan_id)

    assert [one.count for one in desk.catalog.plans.batches(plan.plan_id)] == [1, 8]
    assert (plan.tallies[0].add, plan.tallies[0].remove) == (1, 8)
    assert made is not None
    assert (made.added, made.removed, made.total) == (1, 8, 3)
    assert desk.catalog.holdings.location(HERE, "d/5") is None


def test_what_the_selection_leaves_out_is_not_gone(desk: CatalogSteps) -> None:
    desk.sync(FILES)
    request = desk.request(FILES[:5])
    chosen = Selection(exclude=("d/[01]",), skip_empty=True)

    plan = desk.catalog.plans.make(replace(request, mode=Mode.MIRROR, selection=chosen))

    assert plan.matched == 3
    assert [row.path for row in desk.catalog.plans.rows(plan.plan_id, Action.REMOVE)] == [
        f"d/{number}" for number in range(5, 10)
    ]


def test_a_selection_that_lets_nothing_through_is_an_error_unless_allowed(
    desk: CatalogSteps,
) -> None:
    request = replace(desk.request(FILES), selection=Selection(include=("*.csv",)))

    with pytest.raises(NothingMatched):
        desk.catalog.plans.make(request)
    with pytest.raises(NotRecorded):
        desk.catalog.plans.get(request.plan_id)
    allowed = Selection(include=("*.csv",), allow_empty=True)
    assert not desk.catalog.plans.make(replace(request, selection=allowed))


def test_two_origins_of_one_path_are_refused_by_name(desk: CatalogSteps) -> None:
    with desk.catalog.spool() as spool:
        spool.add(file("x/a"), "a")
        spool.add(file("y/a"), "a")
        listing = spool.finish()

    with pytest.raises(InvalidInput, match="both 'x/a' and 'y/a' would be stored as 'a'"):
        desk.catalog.plans.make(replace(desk.request([]), wanted=listing.listing_id))


def test_a_file_is_read_where_it_was_listed_and_written_where_it_was_named(
    desk: CatalogSteps,
) -> None:
    with desk.catalog.spool() as spool:
        spool.add(file("deep/a"), "a")
        listing = spool.finish()

    plan = desk.catalog.plans.make(replace(desk.request([]), wanted=listing.listing_id))

    (item,) = desk.items(plan)
    assert (item.origin, item.path) == ("deep/a", "a")


def test_only_untrusted_digests_are_refused_before_a_byte_is_read(desk: CatalogSteps) -> None:
    weak = Digest.of(b"x", "md5")

    with pytest.raises(DigestNotAllowed) as caught:
        desk.plan([file("a", 1, "e", weak)])

    assert caught.value.declared == ("md5",)
    (item,) = desk.items(desk.plan([file("a", 1, "e", weak, Digest.of(b"x"))]))
    assert item.digests == (str(Digest.of(b"x")),)


def test_declared_bytes_that_lie_elsewhere_are_named_own_targets_first(desk: CatalogSteps) -> None:
    desk.sync([file("old")])
    (there,) = desk.catalog.versions.content(HERE)
    assert there.digest is not None
    declared = file("new", 1, "e", Digest("sha256", there.digest))

    (item,) = desk.items(desk.plan([declared], HERE, THERE))

    assert item.known_copies == (RecordedLocation(HERE, "old", there.digest, f"at {HERE} e"),)


def test_a_fresh_listing_of_the_destination_is_believed_before_the_catalog(
    desk: CatalogSteps,
) -> None:
    desk.sync(FILES[:3])
    seen = desk.listing(
        [
            Resource("d/0", size=0, etag="at s3://here e"),
            Resource("d/1", size=7, etag="at s3://here e"),
            Resource("foreign", size=1),
        ]
    )
    target = Target(HERE, seen.listing_id, match_etags=True)

    plan = desk.catalog.plans.make(
        replace(desk.request(FILES[:3]), targets=(target,), mode=Mode.MIRROR)
    )

    assert {
        row.path: f"{row.action} {row.reason}" for row in desk.catalog.plans.rows(plan.plan_id)
    } == {
        "d/0": "keep same etag",
        "d/1": "replace changed at the destination: size 1 -> 7",
        "d/2": "add missing at the destination",
    }


def test_files_that_were_there_already_enter_the_version_when_kept(desk: CatalogSteps) -> None:
    seen = desk.listing([Resource("d/3", size=3)])
    request = replace(
        desk.request(FILES[3:4]),
        targets=(Target(HERE, seen.listing_id),),
        strategy=Strategy.SIZE,
    )

    plan = desk.catalog.plans.make(request)
    (made,) = desk.catalog.versions.record("run", plan.plan_id)

    assert not plan
    assert made is not None
    assert (made.added, made.bytes) == (1, 3)


def test_a_plan_from_a_listing_that_is_gone_says_so_and_harms_nobody(desk: CatalogSteps) -> None:
    with pytest.raises(CatalogBroken, match="no longer in the spool"):
        desk.catalog.plans.make(replace(desk.request([]), wanted="0" * 32))

    assert desk.plan(FILES)


def test_a_digest_that_was_learned_of_the_same_file_tells_where_its_bytes_lie(
    desk: CatalogSteps,
) -> None:
    one, other = file("one", 1, "e"), file("other", 1, "f")
    desk.list_source([one, other])
    desk.sync([one, other])  # reading them taught the catalog their digests
    (here, _) = desk.catalog.versions.content(HERE)

    moved = replace(other, etag="changed")
    known, unknown = desk.items(desk.plan([one, moved], THERE, HERE))

    assert here.digest is not None
    assert known.digests == ()
    assert [(one.path, one.sha256) for one in known.known_copies] == [("one", here.digest)]
    assert unknown.known_copies == ()


def test_what_is_asked_to_move_whatever_is_known_is_read(desk: CatalogSteps) -> None:
    desk.list_source(FILES[:1])
    desk.sync(FILES[:1])
    always = replace(desk.request(FILES[:1], THERE, HERE), strategy=Strategy.ALWAYS)

    (item,) = desk.items(desk.catalog.plans.make(always))

    assert item.known_copies == ()


def test_removals_are_batches_of_their_own_that_come_last(desk: CatalogSteps) -> None:
    desk.sync(FILES)
    request = replace(desk.request([file("new")]), mode=Mode.MIRROR)

    plan = desk.catalog.plans.make(request)

    assert [one.removals for one in desk.catalog.plans.batches(plan.plan_id)] == [False, True]


def test_a_plan_that_keeps_very_many_files_tells_their_usual_reason_once(
    desk: CatalogSteps,
) -> None:
    every = [file(f"d{number % 97}/f{number}") for number in range(MAX_KEPT_ROWS + 50)]
    desk.list_source(every)
    desk.sync(every, "first")
    other = replace(every[7], etag="newer")
    wanted = [*every[:7], other, *every[8:]]
    plan = desk.plan(wanted)

    assert (plan.tallies[0].keep, plan.tallies[0].replace) == (MAX_KEPT_ROWS + 49, 1)
    assert [row.action for row in desk.catalog.plans.rows(plan.plan_id)] == ["replace"]
    desk.carry_out(plan, "second")
    desk.catalog.versions.record("second", plan.plan_id)
    assert str(desk.catalog.runs.explain("second", every[3].path)[0]) == (
        f"'{every[3].path}' was skipped at {HERE}: same etag"
    )
    assert "was replaced" in str(desk.catalog.runs.explain("second", other.path)[0])
    assert "took no part" in str(desk.catalog.runs.explain("second", "nowhere")[0])
    assert desk.catalog.versions.latest(HERE).total == MAX_KEPT_ROWS + 50


def test_what_a_deleted_version_held_is_told_again_however_much_it_is(desk: CatalogSteps) -> None:
    every = [file(f"f{number}") for number in range(MAX_KEPT_ROWS + 1)]
    desk.sync(every, "first")
    desk.catalog.versions.delete(HERE, 1)
    assert desk.catalog.versions.latest(HERE).total == 0

    plan = desk.plan(every)
    assert not plan
    desk.catalog.versions.record("second", plan.plan_id)
    assert desk.catalog.versions.latest(HERE).total == MAX_KEPT_ROWS + 1


def test_of_very_many_kept_files_those_without_a_marker_are_in_batches(desk: CatalogSteps) -> None:
    every = [file(f"f{number}") for number in range(MAX_KEPT_ROWS + 50)]
    markers = desk.listing(file(f"{one.path}.done", 0) for one in every[50:])
    there = Target(HERE, desk.listing(every).listing_id, markers=markers.listing_id)
    request = replace(desk.request(every), strategy=Strategy.MARKER, targets=(there,))
    plan = desk.catalog.plans.make(request)
    assert not plan
    assert plan.tallies[0].keep == MAX_KEPT_ROWS + 50
    items = desk.items(plan)
    assert {one.path for one in items} == {one.path for one in every[:50]}
    assert {one.actions for one in items} == {(Action.KEEP,)}


@pytest.mark.parametrize(
    "content",
    [
        None,
        (HERE, 3),
        Modification((HERE, 3)),
        Modification((HERE, 3), (Addition(THERE, 1, ("a/**", "b")),), ("x", "y"), overwrite=False),
    ],
    ids=["a listing", "a version", "a base alone", "a whole modification"],
)
def test_a_stored_plan_remembers_what_content_it_wants(
    desk: CatalogSteps, content: tuple[str, int] | Modification | None
) -> None:
    plan = desk.catalog.plans.make(replace(desk.request(FILES), content=content))

    assert desk.catalog.plans.request(plan.plan_id).content == content


@pytest.mark.parametrize(("stored", "read"), [(None, None), ([HERE, 3], (HERE, 3))])
def test_content_that_was_stored_before_modifications_still_loads(
    desk: CatalogSteps, stored: object, read: object
) -> None:
    body = json.loads(json.dumps(request_to_json(desk.request([]))))

    assert request_from_json({**body, "content": stored}).content == read


def test_a_modification_makes_the_same_set_whenever_it_is_made(desk: CatalogSteps) -> None:
    first = desk.list_source(FILES).number
    desk.catalog.versions.record_listing(THERE, desk.listing([file("e"), file("f/g")]))
    modification = Modification((SOURCE, first), (Addition(THERE, 1, ("f/*",)),), ("d/0",))
    paths = [row.path for row in apply_modification(modification, desk.catalog.versions.content)]

    desk.list_source(FILES[5:])

    assert sorted(paths) == [*(f"d/{number}" for number in range(1, 10)), "f/g"]
    assert [
        row.path for row in apply_modification(modification, desk.catalog.versions.content)
    ] == paths
    assert modification.versions == ((THERE, 1), (SOURCE, first))
