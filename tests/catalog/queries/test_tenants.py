"""Two tenants share one catalog: each sees its own orders applied, and nothing of the other's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded, RepositoryNotFound
from catalog.inbox.queue import Inbox
from catalog.model.breach import Breach, FailureCase
from catalog.model.digest import Digest
from catalog.model.outcome import Outcome, Status
from catalog.model.run import Run
from catalog.store.migrate import FOLDER, Migration, migrate
from tests.catalog.catalog_steps import HERE, SOURCE, THERE, CatalogSteps, file

ODD = "a/b.c [é]*%2E"  # whatever a file's name cannot hold, or a glob would take for more


@pytest.fixture
def mine(tmp_path: Path) -> CatalogSteps:
    """Return the catalog as one tenant sees it."""
    return CatalogSteps(Catalog(tmp_path / "catalog.duckdb", tenant="mine"))


@pytest.fixture
def theirs(tmp_path: Path) -> CatalogSteps:
    """Return the same catalog as another tenant sees it."""
    return CatalogSteps(Catalog(tmp_path / "catalog.duckdb", tenant=ODD))


def waiting_in(desk: CatalogSteps) -> Path:
    """Return the folder of the orders that wait."""
    return desk.catalog.path.with_name("catalog.duckdb.d") / "inbox"


def waiting(desk: CatalogSteps) -> list[Path]:
    """Return the files of the orders that wait."""
    return sorted(waiting_in(desk).iterdir())


def stored(path: str, etag: str) -> Outcome:
    """Return the outcome of a file that was stored."""
    return Outcome(HERE, path, path, "add", Status.STORED, digest="0" * 64, etag=etag)


def test_what_one_hands_over_and_another_folds_is_the_first_one_s(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    plan = theirs.plan([file("a"), file("b")])
    theirs.catalog.runs.start(Run("run", "sync", source=SOURCE, destinations=(HERE,)))
    theirs.carry_out(plan)
    theirs.catalog.runs.end("run", "completed", plan_id=plan.plan_id)
    assert len(waiting(theirs)) == 3

    mine.catalog.flush()

    assert waiting(theirs) == []
    rows = mine.catalog.sql("SELECT DISTINCT tenant, address FROM repositories ORDER BY address")
    assert rows == [(ODD, HERE), (ODD, SOURCE)]
    assert mine.catalog.holdings.location(HERE, "a") is None
    assert theirs.catalog.holdings.location(HERE, "a") is not None
    (made,) = theirs.catalog.versions.record("run", plan.plan_id)
    assert made is not None
    assert made.total == 2


def test_an_order_that_another_folds_is_answered_for_its_giver(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    mine.sync([file("a")])
    Inbox(waiting_in(theirs).parent, ODD).submit("retain", {"repository": HERE, "versions": 3})

    mine.sync([file("b")])

    assert waiting(mine) == []
    assert theirs.catalog.repositories.addresses() == [HERE]
    assert theirs.catalog.retention.get(HERE) == 3
    assert mine.catalog.retention.get(HERE) is None


def test_outcomes_that_alternate_between_tenants_are_sorted_out(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    for number in range(6):
        desk, tenant = ((mine, "mine"), (theirs, "theirs"))[number % 2]
        desk.catalog.runs.record_outcomes("run", "plan", [stored("a", f"{tenant} {number}")])
    assert len(waiting(mine)) == 6

    mine.catalog.flush()

    for desk, last in ((mine, "mine 4"), (theirs, "theirs 5")):
        lies = desk.catalog.holdings.location(HERE, "a")
        assert lies is not None
        assert lies.etag == last


def test_what_was_folded_and_not_taken_away_is_not_another_s_later(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    theirs.catalog.runs.record_outcomes("run", "plan", [stored("a", "e")])
    (order,) = waiting(theirs)
    content = order.read_bytes()
    theirs.catalog.flush()
    order.write_bytes(content)

    mine.catalog.flush()

    assert waiting(mine) == []
    assert mine.catalog.sql("SELECT count(*) FROM outcomes") == [(1,)]
    assert mine.catalog.holdings.location(HERE, "a") is None


def test_an_order_set_aside_is_told_to_its_tenant_alone(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    inbox = Inbox(waiting_in(theirs).parent, ODD)
    batch = inbox.submit_file("plan.json", lambda path: path.write_bytes(b"{"))
    mine.catalog.flush()
    assert mine.catalog.maintenance.rejected_orders() == {}
    assert set(theirs.catalog.maintenance.rejected_orders()) == {batch}


@pytest.mark.parametrize("tenant", ["", "x" * 181, "é" * 31])
def test_a_tenant_that_no_name_can_hold_is_refused(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(InvalidInput, match="tenant"):
        Catalog(tmp_path / "catalog.duckdb", tenant=tenant)


def test_a_name_without_a_tenant_is_whoever_s_who_folds_it(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    plan = theirs.plan([file("a")])
    theirs.carry_out(plan)
    (order,) = waiting(theirs)
    batch, kind, _, ending = order.name.split(".")
    order.rename(order.with_name(f"{batch}.{kind}.{ending}"))

    mine.catalog.flush()

    assert waiting(mine) == []
    assert mine.catalog.holdings.location(HERE, "a") is not None
    assert theirs.catalog.holdings.location(HERE, "a") is None


DIGEST = "0" * 64
BREACH = Breach("prices", "warn", "a", "a", None, None, 1, (FailureCase("header"),))


def worked(desk: CatalogSteps, path: str, run_id: str = "run") -> str:
    """Do whatever leaves records, once, and return the plan's id."""
    catalog = desk.catalog
    catalog.runs.start(Run(run_id, "sync", source=SOURCE, destinations=(HERE,)))
    desk.list_source([file(path)])
    plan = desk.plan([file(path)])
    catalog.runs.record_outcomes(run_id, plan.plan_id, [replace(stored(path, path), size=1)])
    catalog.runs.record_breaches(run_id, [replace(BREACH, path=path)])
    catalog.versions.record(run_id, plan.plan_id)
    catalog.runs.end(run_id, "completed", plan_id=plan.plan_id)
    return plan.plan_id


Ask = Callable[[Catalog, str], object]
OF_PLANS_AND_RUNS: dict[str, Ask] = {
    "plan": lambda catalog, plan_id: catalog.plans.get(plan_id),
    "batches": lambda catalog, plan_id: catalog.plans.batches(plan_id),
    "items": lambda catalog, plan_id: catalog.plans.items(plan_id, 0),
    "rows": lambda catalog, plan_id: catalog.plans.rows(plan_id),
    "changes": lambda catalog, plan_id: catalog.plans.changes(plan_id),
    "request": lambda catalog, plan_id: catalog.plans.request(plan_id),
    "explain": lambda catalog, _: catalog.runs.explain("run", "mine"),
    "run": lambda catalog, _: catalog.runs.get("run"),
    "runs": lambda catalog, _: catalog.runs.all(),
    "last_sync": lambda catalog, _: catalog.runs.last_sync(SOURCE, (HERE,), "other"),
    "outcomes": lambda catalog, _: catalog.runs.outcomes("run"),
    "breaches": lambda catalog, _: catalog.runs.breaches("run"),
    "tallies": lambda catalog, _: catalog.runs.tallies("run"),
    "record_versions": lambda catalog, plan_id: catalog.versions.record("run", plan_id),
}
OF_REPOSITORIES: dict[str, Ask] = {
    "locations": lambda catalog, _: catalog.holdings.locations(DIGEST),
    "location": lambda catalog, _: catalog.holdings.location(HERE, "mine"),
    "addresses": lambda catalog, _: catalog.repositories.addresses(),
    "versions": lambda catalog, _: catalog.versions.all(HERE),
    "content": lambda catalog, _: list(catalog.versions.content(HERE)),
    "rooted": lambda catalog, _: catalog.repositories.addresses_below("s3://"),
    "written": lambda catalog, _: catalog.repositories.written(),
    "holdings": lambda catalog, _: list(catalog.holdings.all(HERE)),
    "needed": lambda catalog, _: list(catalog.holdings.needed(HERE)),
    "marks": lambda catalog, _: list(catalog.holdings.etags(HERE)),
    "holders": lambda catalog, _: catalog.holdings.holders(HERE, 1),
    "seen": lambda catalog, _: catalog.repositories.first_seen_us(HERE),
    "origins": lambda catalog, _: list(catalog.origins.all(HERE)),
    "plan_id_of": lambda catalog, _: catalog.plans.id_of(HERE, 1),
    "audit": lambda catalog, _: catalog.maintenance.audit().contradictions,
}
EVERY = OF_PLANS_AND_RUNS | OF_REPOSITORIES
NOTHING_OF_MINE = ("origins", "audit")  # there is nothing to tell to begin with


@pytest.mark.parametrize("name", EVERY)
def test_a_question_tells_nothing_of_another_tenant(
    mine: CatalogSteps, theirs: CatalogSteps, name: str
) -> None:
    plan_id = worked(mine, "mine")
    assert EVERY[name](mine.catalog, plan_id) or name in NOTHING_OF_MINE
    try:
        found = EVERY[name](theirs.catalog, plan_id)
    except (NotRecorded, RepositoryNotFound):
        return
    assert not found


@pytest.mark.parametrize("name", ["outcomes", "breaches", "run", "locations", "content", "tallies"])
def test_two_tenants_with_equal_names_and_bytes_each_have_their_own(
    mine: CatalogSteps, theirs: CatalogSteps, name: str
) -> None:
    plans = {"mine": worked(mine, "mine"), "theirs": worked(theirs, "theirs")}
    told = {
        tenant: repr(EVERY[name](desk.catalog, plans[tenant]))
        for tenant, desk in (("mine", mine), ("theirs", theirs))
    }
    for tenant, other in (("mine", "theirs"), ("theirs", "mine")):
        assert "added=1" in told[tenant] or tenant in told[tenant] or plans[tenant] in told[tenant]
        assert other not in told[tenant]
        assert plans[other] not in told[tenant]


def test_items_are_not_offered_from_another_tenant_s_repository(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    # Both have the address and the bytes; only the other one has the path.
    worked(mine, "elsewhere")
    digest = Digest("sha256", DIGEST)
    for desk in (theirs, mine):
        request = desk.request([replace(file("new"), digests=(digest,))], THERE)
        plan = desk.catalog.plans.make(replace(request, trusted=("sha256",)))
        (item,) = desk.catalog.plans.items(plan.plan_id, 0, places=[HERE])
        assert {place.path for place in item.known_copies} == (
            {"elsewhere"} if desk is mine else set()
        )


def test_a_forecast_takes_no_samples_of_another_tenant(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    worked(mine, "a")
    for desk, samples in ((mine, 1), (theirs, 0)):
        forecast = desk.plan([file("b")]).forecast
        assert forecast is not None
        assert forecast.samples == samples


def test_recheck_tells_nothing_of_another_tenant_s_plan(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    request = mine.request([file("secret")])
    mine.catalog.plans.make(request)
    for desk, count in ((mine, 1), (theirs, 0)):
        fresh = desk.listing([file("other")]).listing_id
        assert desk.catalog.plans.recheck(replace(request, wanted=fresh))[0] == count


def test_nothing_of_another_tenant_is_ended_replaced_or_forgotten(
    mine: CatalogSteps, theirs: CatalogSteps
) -> None:
    plan_id = worked(mine, "mine")
    before = {name: EVERY[name](mine.catalog, plan_id) for name in EVERY}
    theirs.catalog.runs.start(Run("run", "pull"))
    theirs.catalog.runs.end("run", "failed", "theirs")
    theirs.catalog.runs.record_outcomes("run", plan_id, [stored("theirs", "e")])
    theirs.catalog.runs.record_breaches("run", [replace(BREACH, path="theirs")])
    assert {name: EVERY[name](mine.catalog, plan_id) for name in EVERY} == before

    assert theirs.catalog.maintenance.prune_details(datetime.now(UTC) + timedelta(hours=1)) == 1
    theirs.catalog.maintenance.repair()

    assert {name: EVERY[name](mine.catalog, plan_id) for name in EVERY} == before
    assert theirs.catalog.runs.all() == []
    assert theirs.catalog.runs.outcomes("run") == []


def test_what_older_programs_recorded_is_theirs_who_alone_know_its_places(tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for path in FOLDER.glob("*.sql"):
        if Migration.from_path(path).number < 9:
            (older / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as connection:
        migrate(connection, older)
        connection.execute(
            "INSERT INTO repositories SELECT md5(tenant || chr(31) || address)::UUID, tenant,"
            " address, NULL, now()::TIMESTAMP, NULL FROM (VALUES ('mine', 's3://mine'), ('mine', 's3://both'),"
            " ('theirs', 's3://both'), ('theirs', 's3://made')) v(tenant, address)"
        )
        connection.execute(
            "INSERT INTO runs SELECT run_id, 'sync', NULL, source, '[]', 'completed',"
            " now()::TIMESTAMP, NULL, NULL, NULL FROM"
            " (VALUES ('a', 's3://mine'), ('b', 's3://both'), ('c', 's3://both'),"
            " ('d', NULL)) v(run_id, source)"
        )
        connection.execute(
            "INSERT INTO repository_versions SELECT md5('theirs' || chr(31) || 's3://made')::UUID,"
            " 1, 0, now()::TIMESTAMP, 'c', NULL, 0, 0, 0, 0, 0"
        )

    told = {
        tenant: sorted(run.run_id for run in Catalog(path, tenant=tenant).runs.all())
        for tenant in ("mine", "theirs", "default")
    }

    assert told == {"mine": ["a"], "theirs": ["c"], "default": ["b", "d"]}
