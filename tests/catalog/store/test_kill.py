"""kill -9 of writers and folders beside readers: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from tests.catalog import hammer
from tests.catalog.catalog_steps import HERE, CatalogSteps, file

KILLS = 100
LIVES_S = (0.0, 0.12)  # from being seen at work until the kill


@pytest.fixture(scope="module")
def processes() -> Iterator[ForkServerContext]:
    """Return a server of processes that have imported everything and opened nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["polars", "tests.catalog.hammer"])
    yield context
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_or_doubled_by_100_kills(
    processes: ForkServerContext, tmp_path: Path
) -> None:
    path, stop, notes = tmp_path / "catalog.duckdb", tmp_path / "stop", tmp_path / "acknowledged"
    catalog = Catalog(path)
    catalog.flush()
    notes.touch()
    dice = random.Random(7)  # noqa: S311  # when to kill
    names = (f"life-{number}" for number in range(10_000))

    def start(work: Callable[[Path, str, Path], None]) -> ForkServerProcess:
        process = processes.Process(target=work, args=(path, next(names), notes), daemon=True)
        process.start()
        return process

    readers = [
        processes.Process(target=hammer.read, args=(path, stop, tmp_path / f"reads-{number}"))
        for number in range(2)
    ]
    for reader in readers:
        reader.start()
    roles = [hammer.write, hammer.write, hammer.apply, hammer.apply]
    workers = [start(role) for role in roles]
    for _ in range(KILLS):
        before = notes.stat().st_size
        while notes.stat().st_size == before:  # wait until somebody is at work
            time.sleep(0.001)
        time.sleep(dice.uniform(*LIVES_S))
        victim = dice.randrange(len(workers))
        workers[victim].kill()
        workers[victim].join()
        workers[victim] = start(roles[victim])
    counts = [tmp_path / f"reads-{number}" for number in range(2)]
    while not all(one.exists() and one.stat().st_size > 10 for one in counts):
        assert all(reader.is_alive() for reader in readers), "one saw what must not be seen"
        time.sleep(0.01)
    for worker in workers:
        worker.kill()
        worker.join()
    stop.touch()
    for reader in readers:
        reader.join()

    acknowledged = set(notes.read_text().split())
    stored: dict[str, int] = dict(
        catalog.sql(
            "SELECT regexp_replace(path, '/[0-9]+$', ''), count(*) FROM outcomes GROUP BY 1"
        )
    )
    assert len(acknowledged) > KILLS
    assert acknowledged - set(stored) == set()
    assert set(stored.values()) == {hammer.ROWS}
    assert catalog.sql("SELECT count(*) = count(DISTINCT path) FROM locations") == [(True,)]
    assert catalog.sql("SELECT count(*) FROM locations") == [(len(stored) * hammer.ROWS,)]
    assert [reader.exitcode for reader in readers] == [0, 0]


def sync_alone(path: Path, name: str, failures: Path) -> None:
    """Bring files of its own to the destination that all share, as one flow run does."""
    desk = CatalogSteps(Catalog(path, timeout_s=50))
    for turn in range(4):
        made = desk.sync([file(f"{name}/{turn}/{part}") for part in range(3)], f"{name}-{turn}")
        if made is None:
            failures.touch()


def test_processes_that_sync_to_one_destination_add_up(
    processes: ForkServerContext, tmp_path: Path
) -> None:
    path, failures = tmp_path / "catalog.duckdb", tmp_path / "failures"
    workers = [
        processes.Process(target=sync_alone, args=(path, f"worker-{number}", failures))
        for number in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    versions = Catalog(path).versions.all(HERE)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert not failures.exists()
    assert [one.number for one in versions] == list(range(13))
    assert versions[-1].total == 36
