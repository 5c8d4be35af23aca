"""Runs, outcomes and what they leave: locations, artifacts, tallies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catalog.errors import InvalidInput, NotRecorded
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.run import Run, RunTally
from tests.catalog.catalog_steps import HERE, SOURCE, THERE, CatalogSteps, file

FILES = [file("a", 1), file("b", 2), file("c", 3)]


def test_a_run_is_remembered_from_its_start_to_its_end(desk: CatalogSteps) -> None:
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    desk.catalog.runs.start(
        Run("run", "sync", source=SOURCE, destinations=(HERE, THERE), started_at=started)
    )
    assert desk.catalog.runs.get("run").state == "running"

    desk.catalog.runs.end("run", "completed", "all is well", plan_id="plan")

    run = desk.catalog.runs.get("run")
    assert (run.state, run.message, run.plan_id) == ("completed", "all is well", "plan")
    assert (run.started_at, run.destinations) == (started, (HERE, THERE))
    assert run.ended_at is not None


def test_a_run_that_starts_again_is_one_run(desk: CatalogSteps) -> None:
    for kind in ("sync", "pull"):
        desk.catalog.runs.start(Run("run", kind))

    assert [run.kind for run in desk.catalog.runs.all()] == ["pull"]


def test_an_unknown_run_is_not_recorded(desk: CatalogSteps) -> None:
    with pytest.raises(NotRecorded):
        desk.catalog.runs.get("never")


def test_what_was_handed_over_is_seen_by_the_next_reader(desk: CatalogSteps) -> None:
    plan = desk.plan(FILES)
    desk.carry_out(plan, "run", "b")

    every = desk.catalog.runs.outcomes("run")
    failed = desk.catalog.runs.outcomes("run", Status.FAILED)

    assert [(one.path, one.status) for one in every] == [
        ("a", Status.STORED),
        ("b", Status.FAILED),
        ("c", Status.STORED),
    ]
    assert [(one.path, one.error, one.proof) for one in failed] == [("b", "access-denied", None)]
    assert every[0].proof is Proof.WRITE_PROVED
    assert len(desk.catalog.runs.outcomes("run", limit=2)) == 2


def test_a_run_is_tallied_by_destination_with_what_its_plan_kept(desk: CatalogSteps) -> None:
    desk.sync(FILES[:1])
    plan = desk.plan([file("a", 1), file("b", 2), file("c", 3)], HERE, THERE)
    desk.catalog.runs.start(Run("second", "sync", plan_id=plan.plan_id))
    desk.carry_out(plan, "second", "c")

    assert desk.catalog.runs.tallies("second") == (
        RunTally(THERE, added=2, failed=1, bytes=3),
        RunTally(HERE, added=1, kept=1, failed=1, bytes=2),
    )


def test_the_last_word_on_a_path_counts(desk: CatalogSteps) -> None:
    plan = desk.plan(FILES)
    desk.carry_out(plan, "run", "a")
    desk.carry_out(plan, "run")

    (made,) = desk.catalog.versions.record("run", plan.plan_id)

    assert made is not None
    assert desk.catalog.runs.tallies("run") == (RunTally(HERE, added=3, bytes=6),)
    assert desk.catalog.sql("SELECT count(*) FROM locations") == [(3,)]


def test_a_location_tells_where_the_bytes_lie_and_came_from(desk: CatalogSteps) -> None:
    desk.sync(FILES, "run")

    location = desk.catalog.holdings.location(HERE, "b")

    assert location is not None
    assert (location.origin, location.origin_path, location.run_id) == (SOURCE, "b", "run")
    assert location.proof == Proof.WRITE_PROVED
    assert desk.catalog.holdings.locations(location.digest) == [location]
    assert desk.catalog.holdings.location(HERE, "never") is None


def test_equal_bytes_are_one_artifact(desk: CatalogSteps) -> None:
    plan = desk.plan(FILES, HERE, THERE)
    desk.carry_out(plan)

    assert desk.catalog.sql(
        "SELECT (SELECT count(*) FROM locations), (SELECT count(*) FROM artifacts)"
    ) == [(6, 3)]


def test_a_digest_that_is_none_is_refused_where_it_is_given(desk: CatalogSteps) -> None:
    plan = desk.plan(FILES)
    wrong = Outcome(HERE, "a", "a", "add", Status.STORED, digest="nonsense")

    with pytest.raises(InvalidInput):
        desk.catalog.runs.record_outcomes("run", plan.plan_id, [wrong])


def test_versions_of_a_plan_that_was_never_made_are_refused(desk: CatalogSteps) -> None:
    with pytest.raises(NotRecorded, match="no plan 'never'"):
        desk.catalog.versions.record("run", "never")
