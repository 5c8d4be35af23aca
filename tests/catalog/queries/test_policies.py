"""What a second sync does, after Pulp's table of what may be skipped, under each policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from catalog.model.plan import Mode, Policy, Strategy, Target
from catalog.model.resource import Resource
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps, file

IMMEDIATE, ON_DEMAND, STREAMED = Policy
BOTH = (file("a"), file("b"))


@dataclass(frozen=True)
class Sync:
    """What one sync is asked for, and what it finds; the destination is listed where `there` is."""

    policy: Policy = IMMEDIATE
    mode: Mode = Mode.ADDITIVE
    strategy: Strategy = Strategy.DIGEST
    source: str = SOURCE
    wanted: tuple[Resource, ...] = BOTH
    there: tuple[str, ...] | None = None


def done(desk: CatalogSteps, sync: Sync, run_id: str) -> tuple[int, int | None]:
    """Carry a sync out; return how many rows of its plan asked for something, and its version."""
    listing = None
    if sync.there is not None:
        stored = (desk.catalog.holdings.location(HERE, path) for path in sync.there)
        found = [
            Resource(one.path, size=one.size, etag=one.etag, modified_us=one.modified_us)
            for one in stored
            if one is not None
        ]
        listing = desk.listing(found).listing_id
    request = replace(
        desk.request(sync.wanted),
        source=sync.source,
        policy=sync.policy,
        mode=sync.mode,
        strategy=sync.strategy,
        targets=(Target(HERE, listing),),
    )
    plan = desk.catalog.plans.make(request)
    desk.carry_out(plan, run_id)
    version = desk.catalog.versions.record(run_id, plan.plan_id)[0]
    (tally,) = plan.tallies
    return tally.add + tally.replace + tally.remove, None if version is None else version.number


def nothing(desk: CatalogSteps) -> None:
    """Let nothing happen between two syncs."""


def other_version(desk: CatalogSteps) -> None:
    """Let something else make the destination's next version."""
    plan = desk.catalog.plans.make(
        replace(desk.request([file("a")]), mode=Mode.MIRROR, source=SOURCE)
    )
    desk.carry_out(plan, "other")
    desk.catalog.versions.record("other", plan.plan_id)


CHANGED = (file("a"), file("b", etag="newer"))
ELSEWHERE = "s3://moved"
# first sync, what happens then, second sync, rows that ask for something, version that it makes
ROWS: dict[str, tuple[Sync, Callable[[CatalogSteps], None], Sync, int, int | None]] = {
    "nothing changed, immediate": (Sync(), nothing, Sync(there=("a", "b")), 0, None),
    "nothing changed, on demand": (Sync(ON_DEMAND), nothing, Sync(ON_DEMAND, there=()), 0, None),
    "nothing changed, streamed": (Sync(STREAMED), nothing, Sync(STREAMED, there=()), 0, None),
    "immediate to on demand": (Sync(), nothing, Sync(ON_DEMAND, there=("a", "b")), 0, None),
    "immediate to streamed": (Sync(), nothing, Sync(STREAMED), 0, None),
    "on demand to streamed": (Sync(ON_DEMAND), nothing, Sync(STREAMED), 0, None),
    "on demand to immediate": (Sync(ON_DEMAND), nothing, Sync(there=()), 2, None),
    "streamed to immediate": (Sync(STREAMED), nothing, Sync(), 2, None),
    "the source changed": (Sync(), nothing, Sync(wanted=CHANGED), 1, 2),
    "the source changed, on demand": (
        Sync(ON_DEMAND),
        nothing,
        Sync(ON_DEMAND, wanted=CHANGED),
        1,
        2,
    ),
    "another address": (Sync(ON_DEMAND), nothing, Sync(ON_DEMAND, source=ELSEWHERE), 2, 2),
    "additive to mirror": (Sync(), nothing, Sync(mode=Mode.MIRROR), 0, None),
    "additive to mirror, one is gone": (
        Sync(ON_DEMAND),
        nothing,
        Sync(ON_DEMAND, Mode.MIRROR, wanted=BOTH[:1]),
        1,
        2,
    ),
    "the destination has another version": (Sync(), other_version, Sync(), 1, 3),
    "the destination has another version, on demand": (
        Sync(ON_DEMAND),
        other_version,
        Sync(ON_DEMAND),
        1,
        3,
    ),
    "a file is missing": (Sync(), nothing, Sync(there=("a",)), 1, None),
    "a file is missing, on demand": (Sync(), nothing, Sync(ON_DEMAND, there=("a",)), 1, None),
    "everything asked for": (Sync(), nothing, Sync(strategy=Strategy.ALWAYS), 2, None),
}


@pytest.mark.parametrize(("first", "between", "second", "rows", "version"), ROWS.values(), ids=ROWS)
def test_a_second_sync_is_skipped_exactly_where_nothing_moved(
    desk: CatalogSteps,
    first: Sync,
    between: Callable[[CatalogSteps], None],
    second: Sync,
    rows: int,
    version: int | None,
) -> None:
    assert done(desk, first, "first") == (2, 1)
    between(desk)
    assert done(desk, second, "second") == (rows, version)
    again = replace(second, there=None, strategy=Strategy.DIGEST)
    assert done(desk, again, "third") == (0, None), "and then there is nothing to do"


def test_what_is_only_catalogued_is_tallied_told_and_has_an_origin(desk: CatalogSteps) -> None:
    done(desk, Sync(ON_DEMAND), "run")

    (tally,) = desk.catalog.runs.tallies("run")
    assert (tally.catalogued, tally.added, tally.bytes) == (2, 0, 0)
    assert [row.etag for row in desk.catalog.versions.content(HERE)] == ["e", "e"]
    assert desk.catalog.holdings.location(HERE, "a") is None
    origin = desk.catalog.origins.get(HERE, "a")
    assert origin is not None
    assert (origin.origin, origin.origin_path, origin.etag) == (SOURCE, "a", "e")
    assert [one.path for one in desk.catalog.origins.all(HERE)] == ["a", "b"]


def test_what_was_fetched_has_a_location_and_no_origin(desk: CatalogSteps) -> None:
    done(desk, Sync(ON_DEMAND), "first")
    done(desk, Sync(), "second")

    assert desk.catalog.holdings.location(HERE, "a") is not None
    assert desk.catalog.origins.count(HERE) == 0
    assert all(row.digest for row in desk.catalog.versions.content(HERE))
    assert desk.catalog.versions.latest(HERE).number == 1


def test_a_removal_of_what_is_only_catalogued_is_no_batch(desk: CatalogSteps) -> None:
    done(desk, Sync(), "first")
    done(desk, Sync(ON_DEMAND, wanted=(*BOTH, file("c"))), "second")
    plan = desk.catalog.plans.make(replace(desk.request([file("a")]), mode=Mode.MIRROR))

    assert plan.tallies[0].remove == 2
    assert [item.path for item in desk.items(plan)] == ["b"], "nothing stands at c to be removed"


def test_a_copy_in_a_history_does_not_count_when_space_is_given_back(desk: CatalogSteps) -> None:
    plan = desk.plan([file("a")], HERE, "file:///there/.entrepot/history")
    desk.carry_out(plan)
    desk.catalog.versions.record("run", plan.plan_id)

    (spare,) = desk.catalog.origins.reclaim_candidates(HERE, [HERE])
    assert [copy.address for copy in spare.copies] == [SOURCE]
    assert not list(desk.catalog.origins.reclaim_candidates(HERE, [HERE, SOURCE]))
    assert not list(desk.catalog.origins.reclaim_candidates(HERE, [HERE], [(HERE, 1)])), (
        "a kept version needs it"
    )
