"""The file beside its folder: spools, migrations, locks, poisoned orders."""

from __future__ import annotations

import fcntl
import os
import re
import threading
from pathlib import Path

import duckdb
import pytest

from catalog.catalog import Catalog
from catalog.errors import CatalogBroken, CatalogTimeout
from catalog.inbox.queue import Inbox
from catalog.inbox.spool import PAGE_ROWS
from catalog.model.resource import Resource
from catalog.settings import Settings
from catalog.store.lock import CatalogLock, Hold
from catalog.store.migrate import FOLDER, migrate, pending
from catalog.store.parquet import parquet_engine
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps, file
from tests.servers.process import ROOT


def folder_of(catalog: Catalog, name: str) -> Path:
    return catalog.path.with_name(catalog.path.name + ".d") / name


def test_a_spool_writes_pages_as_it_goes_and_counts(catalog: Catalog) -> None:
    with catalog.spool() as spool:
        for number in range(2 * PAGE_ROWS + 1):
            spool.add(Resource(f"f/{number}", size=2))
        held = len(list(folder_of(catalog, "spool").glob("*/*.parquet")))
        listing = spool.finish()

    assert held == 2
    assert (listing.count, listing.bytes) == (2 * PAGE_ROWS + 1, 2 * (2 * PAGE_ROWS + 1))
    assert catalog.versions.record_listing(SOURCE, listing).total == listing.count


def test_a_spool_that_fails_leaves_nothing_behind(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.spool() as spool:
            spool.add(file("a"))
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()

    assert list(folder_of(catalog, "spool").iterdir()) == []


def test_a_query_of_ones_own_reads_and_never_writes(desk: CatalogSteps, tmp_path: Path) -> None:
    desk.list_source([file("a")])

    assert desk.catalog.sql("SELECT path FROM content WHERE size = ?", [1]) == [("a",)]
    with pytest.raises(duckdb.Error, match="read-only"):
        desk.catalog.sql("DELETE FROM content")
    with pytest.raises(duckdb.Error, match="disabled"):
        desk.catalog.sql(f"COPY content TO '{tmp_path}/x.csv'")


def test_the_settings_name_the_catalog(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "deep" / "c.duckdb"))
    monkeypatch.setenv("ENTREPOT_CATALOG_TIMEOUT_S", "7")

    catalog = Catalog.open(Settings())

    assert catalog.path == tmp_path / "deep" / "c.duckdb"
    assert catalog.runs.all() == []


def test_two_tenants_of_one_file_do_not_meet(tmp_path: Path) -> None:
    desks = [CatalogSteps(Catalog(tmp_path / "c.duckdb", tenant=name)) for name in ("one", "two")]

    numbers = [desk.list_source([file("a")]).number for desk in desks]

    assert numbers == [1, 1]


def test_a_migration_that_was_edited_after_it_was_applied_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "migrations"
    copy.mkdir()
    first = copy / "0001_initial.sql"
    first.write_bytes((FOLDER / "0001_initial.sql").read_bytes())
    with duckdb.connect() as connection:
        migrate(connection, copy)
        migrate(connection, copy)
        first.write_text(first.read_text() + "-- edited")

        with pytest.raises(CatalogBroken, match="edited"):
            pending(connection, copy)


def test_a_migration_that_fails_leaves_the_ones_before_it(tmp_path: Path) -> None:
    copy = tmp_path / "migrations"
    copy.mkdir()
    (copy / "0001_initial.sql").write_bytes((FOLDER / "0001_initial.sql").read_bytes())
    (copy / "0002_broken.sql").write_text("CREATE TABLE half (i INTEGER); nonsense;")
    with duckdb.connect() as connection:
        with pytest.raises(duckdb.Error):
            migrate(connection, copy)
        connection.execute("ROLLBACK")

        assert [one.number for one in pending(connection, copy)] == [2]


def test_a_catalog_newer_than_this_program_is_refused_and_its_inbox_left_alone(
    desk: CatalogSteps,
) -> None:
    desk.list_source([file("a")])
    with duckdb.connect(str(desk.catalog.path)) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99, 'x', 'y', now()::TIMESTAMP)")

    for ask in (lambda: desk.list_source([file("b")]), desk.catalog.runs.all):
        with pytest.raises(CatalogBroken, match="newer"):
            ask()

    assert list(folder_of(desk.catalog, "quarantine").iterdir()) == []
    assert len(list(folder_of(desk.catalog, "inbox").iterdir())) == 1


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("outcomes.parquet", b"not parquet at all"),
        ("outcomes.parquet", b""),
        ("plan.json", b"{"),
        ("plan.json", b"[]"),
        ("listing.json", b"{}"),
        ("nonsense.json", b"{}"),
    ],
)
def test_a_poisoned_order_is_set_aside_with_its_reason_and_blocks_nobody(
    desk: CatalogSteps, suffix: str, content: bytes
) -> None:
    inbox = Inbox(folder_of(desk.catalog, ""), "default")
    desk.catalog.runs.end("before", "completed")
    batch = inbox.submit_file(suffix, lambda path: path.write_bytes(content))
    plan = desk.plan([file("a")])
    desk.carry_out(plan)

    assert len(desk.catalog.runs.outcomes("run")) == 1
    assert {path.name for path in folder_of(desk.catalog, "quarantine").iterdir()} == {
        f"{batch}.{suffix.replace('.', '.default.')}",
        f"{batch}.error.txt",
    }
    assert inbox.rejection(batch)
    assert inbox.count_pending() == 0


def test_an_order_that_was_folded_but_not_taken_away_is_folded_once(desk: CatalogSteps) -> None:
    plan = desk.plan([file("a")])
    desk.carry_out(plan)
    (order,) = folder_of(desk.catalog, "inbox").iterdir()
    content = order.read_bytes()
    desk.catalog.flush()

    order.write_bytes(content)

    assert len(desk.catalog.runs.outcomes("run")) == 1
    assert not order.exists()


def test_whoever_waits_too_long_hears_which_file_was_taken(tmp_path: Path) -> None:
    held, late = CatalogLock(tmp_path, 1), CatalogLock(tmp_path, 0.05)

    with held.hold(Hold.ALONE), pytest.raises(CatalogTimeout, match=r"use\.lock"):  # noqa: SIM117  # order
        with late.hold(Hold.SHARED):
            pass
    with late.hold(Hold.SHARED) as free:
        assert free


def test_readers_share_and_a_writer_that_waits_is_not_overtaken(tmp_path: Path) -> None:
    lock = CatalogLock(tmp_path, 10)
    seen: list[str] = []
    queued = threading.Event()

    def passed_the_queue() -> bool:
        with (tmp_path / "queue.lock").open("a") as queue:
            try:
                fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                queued.set()
        return False

    def write() -> None:
        with lock.hold(Hold.ALONE, unless=passed_the_queue):
            seen.append("writer")

    def read() -> None:
        with lock.hold(Hold.SHARED):
            seen.append("reader")

    with lock.hold(Hold.SHARED), lock.hold(Hold.SHARED):
        writer, reader = threading.Thread(target=write), threading.Thread(target=read)
        writer.start()
        queued.wait()
        reader.start()
    writer.join()
    reader.join()

    assert seen == ["writer", "reader"]


def test_a_forked_child_does_not_keep_the_lock_of_its_parent(tmp_path: Path) -> None:
    lock = CatalogLock(tmp_path, 5)
    reading, writing = os.pipe()
    with lock.hold(Hold.ALONE):
        child = os.fork()
        if child == 0:  # it outlives the parent's hold, and must not prolong it
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    try:
        with lock.hold(Hold.ALONE) as free:
            assert free
    finally:
        os.close(writing)
        os.waitpid(child, 0)
        os.close(reading)


def test_threads_of_one_process_write_and_read_together(desk: CatalogSteps) -> None:
    desk.plan([file("a")])
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            desk.sync([file(f"{number}/{part}") for part in range(5)], f"run-{number}")
            desk.catalog.versions.latest(HERE)
        except BaseException as error:  # noqa: BLE001  # shown below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert desk.catalog.versions.latest(HERE).total == 30


def test_a_catalog_with_too_little_memory_says_what_to_raise(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb", memory="8MB", threads=1)
    with catalog.spool() as spool:
        for number in range(100_000):
            spool.add(Resource(f"f/{number:040}", size=number, etag=f"{number:064}"))
        listing = spool.finish()

    with pytest.raises(CatalogBroken, match="raise ENTREPOT_CATALOG_MEMORY"):
        catalog.versions.record_listing(SOURCE, listing)

    roomy = Catalog(tmp_path / "catalog.duckdb", threads=1)
    with roomy.spool() as spool:
        spool.add(file("a"))
        assert roomy.versions.record_listing(SOURCE, spool.finish()).total == 1


def test_no_engine_keeps_the_files_that_it_has_read(catalog: Catalog) -> None:
    with catalog.spool() as spool:
        for number in range(1000):
            spool.add(Resource(f"f/{number}", size=number))
        listing = spool.finish()
    catalog.versions.record_listing(SOURCE, listing)
    assert sum(1 for _ in catalog.versions.content(SOURCE)) == 1000

    kept = "SELECT count(*) FROM duckdb_external_file_cache()"
    assert parquet_engine(os.getpid()).execute(kept).fetchone() == (0,)
    assert catalog.sql(kept) == [(0,)]


def test_no_statement_counts_over_everything() -> None:
    """Such windows end in an internal error now and then (duckdb/duckdb#25713)."""
    statements = list((ROOT / "catalog").rglob("*.sql"))
    assert len(statements) > 100
    for statement in statements:
        for function in re.findall(r"(\w+)\([^()]*\)\s+OVER\s*\(\)", statement.read_text()):
            assert function == "row_number", statement.name
