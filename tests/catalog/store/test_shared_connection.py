"""A catalog that is kept open: whoever waits for it gets it, and nothing older is told after."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.model.run import Run
from catalog.store.shared_connection import IDLE_S
from tests.servers.process import ROOT

WRITER = """
import sys
from pathlib import Path
from catalog.model.run import Run
from catalog.catalog import Catalog
catalog = Catalog(Path(sys.argv[1]), timeout_s=30)
for number in range(int(sys.argv[2])):
    catalog.runs.start(Run(f"{sys.argv[3]}-{number}", "sync"))
    catalog.flush()
"""


@pytest.fixture
def shared(catalog: Catalog) -> Catalog:
    catalog.keep_open()
    return catalog


def writer(catalog: Catalog, count: int, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(catalog.path), str(count), name]
    return subprocess.Popen(command, cwd=ROOT)


def test_a_reader_sees_what_it_and_others_wrote(shared: Catalog) -> None:
    assert shared.runs.all() == []
    other = Catalog(shared.path)
    for number in range(5):
        (shared if number % 2 else other).runs.start(Run(str(number), "sync"))
        assert len(shared.runs.all()) == number + 1
        assert len(other.runs.all()) == number + 1


def test_writers_of_other_processes_get_in_between_many_readers(shared: Catalog) -> None:
    stop = threading.Event()

    def read() -> int:
        seen = 0
        while not stop.is_set():
            now = len(shared.runs.all())
            assert now >= seen
            seen = now
        return seen

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        processes = [writer(shared, 20, name) for name in "ab"]
        codes = [one.wait(240) for one in processes]
        stop.set()
        assert codes == [0, 0]
        assert all(one.result(30) <= 40 for one in readers)
    assert len(shared.runs.all()) == 40


def test_threads_of_one_process_read_and_write(shared: Catalog) -> None:
    def work(name: int) -> None:
        for number in range(10):
            shared.runs.start(Run(f"{name}-{number}", "sync"))
            assert f"{name}-{number}" in {one.run_id for one in shared.runs.all()}

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(shared.runs.all()) == 60


def test_tenants_share_what_is_open(shared: Catalog) -> None:
    other = shared.for_tenant("other")
    shared.runs.start(Run("ours", "sync"))
    other.runs.start(Run("theirs", "sync"))
    assert [one.run_id for one in shared.runs.all()] == ["ours"]
    assert [one.run_id for one in other.runs.all()] == ["theirs"]


def test_it_is_let_go_of_when_nobody_asks(shared: Catalog) -> None:
    shared.runs.all()
    deadline = time.monotonic() + 240 * IDLE_S
    path = Path(shared.path).with_name(f"{shared.path.name}.d") / "use.lock"
    while _held(path):
        assert time.monotonic() < deadline, "it is held still"
        time.sleep(0.05)
    assert shared.runs.all() == []


def test_an_error_of_one_question_disturbs_no_other(shared: Catalog) -> None:
    from catalog.errors import NotRecorded  # noqa: PLC0415

    for _ in range(3):
        with pytest.raises(NotRecorded):
            shared.runs.get("nobody")
        assert shared.runs.all() == []


def _held(lock: Path) -> bool:
    import fcntl  # noqa: PLC0415

    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
