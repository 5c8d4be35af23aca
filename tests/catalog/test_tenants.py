"""Two tenants share one catalog: whoever folds, each sees its own and nothing of the other's."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import InvalidInput
from catalog.inbox import Inbox
from catalog.outcome import Outcome, Status
from catalog.run import Run
from catalog.store import Catalog
from tests.catalog.desk import HERE, SOURCE, Desk, file

ODD = "a/b.c [é]*%2E"  # whatever a file's name cannot hold, or a glob would take for more


@pytest.fixture
def mine(tmp_path: Path) -> Desk:
    """Return the catalog as one tenant sees it."""
    return Desk(Catalog(tmp_path / "catalog.duckdb", tenant="mine"))


@pytest.fixture
def theirs(tmp_path: Path) -> Desk:
    """Return the same catalog as another tenant sees it."""
    return Desk(Catalog(tmp_path / "catalog.duckdb", tenant=ODD))


def waiting_in(desk: Desk) -> Path:
    """Return the folder of the orders that wait."""
    return desk.catalog.path.with_name("catalog.duckdb.d") / "inbox"


def waiting(desk: Desk) -> list[Path]:
    """Return the files of the orders that wait."""
    return sorted(waiting_in(desk).iterdir())


def stored(path: str, etag: str) -> Outcome:
    """Return the outcome of a file that was stored."""
    return Outcome(HERE, path, path, "add", Status.STORED, digest="0" * 64, etag=etag)


def test_what_one_hands_over_and_another_folds_is_the_first_one_s(mine: Desk, theirs: Desk) -> None:
    plan = theirs.plan([file("a"), file("b")])
    theirs.catalog.start_run(Run("run", "sync", source=SOURCE, destinations=(HERE,)))
    theirs.carry_out(plan)
    theirs.catalog.end_run("run", "completed", plan_id=plan.plan_id)
    assert len(waiting(theirs)) == 3

    mine.catalog.settle()

    assert waiting(theirs) == []
    rows = mine.catalog.sql("SELECT DISTINCT tenant, address FROM repositories ORDER BY address")
    assert rows == [(ODD, HERE), (ODD, SOURCE)]
    assert mine.catalog.location(HERE, "a") is None
    assert theirs.catalog.location(HERE, "a") is not None
    (made,) = theirs.catalog.record_versions("run", plan.plan_id)
    assert made is not None
    assert made.total == 2


def test_an_order_that_another_folds_is_answered_for_its_giver(mine: Desk, theirs: Desk) -> None:
    mine.sync([file("a")])
    Inbox(waiting_in(theirs).parent, ODD).submit("retain", {"repository": HERE, "versions": 3})

    mine.sync([file("b")])

    assert waiting(mine) == []
    assert theirs.catalog.addresses() == [HERE]
    assert theirs.catalog.retained(HERE) == 3
    assert mine.catalog.retained(HERE) is None


def test_outcomes_that_alternate_between_tenants_are_sorted_out(mine: Desk, theirs: Desk) -> None:
    for number in range(6):
        desk, tenant = ((mine, "mine"), (theirs, "theirs"))[number % 2]
        desk.catalog.record_outcomes("run", "plan", [stored("a", f"{tenant} {number}")])
    assert len(waiting(mine)) == 6

    mine.catalog.settle()

    for desk, last in ((mine, "mine 4"), (theirs, "theirs 5")):
        lies = desk.catalog.location(HERE, "a")
        assert lies is not None
        assert lies.etag == last


def test_what_was_folded_and_not_taken_away_is_not_another_s_later(
    mine: Desk, theirs: Desk
) -> None:
    theirs.catalog.record_outcomes("run", "plan", [stored("a", "e")])
    (order,) = waiting(theirs)
    content = order.read_bytes()
    theirs.catalog.settle()
    order.write_bytes(content)

    mine.catalog.settle()

    assert waiting(mine) == []
    assert mine.catalog.sql("SELECT count(*) FROM outcomes") == [(1,)]
    assert mine.catalog.location(HERE, "a") is None


def test_an_order_set_aside_is_told_to_its_tenant_alone(mine: Desk, theirs: Desk) -> None:
    inbox = Inbox(waiting_in(theirs).parent, ODD)
    batch = inbox.submit_file("plan.json", lambda path: path.write_bytes(b"{"))
    mine.catalog.settle()
    assert mine.catalog.set_aside() == {}
    assert set(theirs.catalog.set_aside()) == {batch}


@pytest.mark.parametrize("tenant", ["", "x" * 181, "é" * 31])
def test_a_tenant_that_no_name_can_hold_is_refused(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(InvalidInput, match="tenant"):
        Catalog(tmp_path / "catalog.duckdb", tenant=tenant)


def test_a_name_without_a_tenant_is_whoever_s_who_folds_it(mine: Desk, theirs: Desk) -> None:
    plan = theirs.plan([file("a")])
    theirs.carry_out(plan)
    (order,) = waiting(theirs)
    batch, kind, _, ending = order.name.split(".")
    order.rename(order.with_name(f"{batch}.{kind}.{ending}"))

    mine.catalog.settle()

    assert waiting(mine) == []
    assert mine.catalog.location(HERE, "a") is not None
    assert theirs.catalog.location(HERE, "a") is None
