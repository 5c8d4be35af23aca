"""A large file through several connections: only where one is slow, and never a wrong byte."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.errors import Cancelled
from catalog.model.digest import Digest
from catalog.model.outcome import Outcome, Status
from providers.http.settings import HttpSettings
from tests.servers import faulty
from tests.servers.faulty import Fault, FaultyServer, Reply
from tests.servers.nginx import NginxServer, Served
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, leftovers, tree, web
from transfer.batch.delivery import Delivery
from transfer.large.connection_scaling import ConnectionScaling, ThroughputSample
from transfer.large.prefetched_range import PART
from transfer.workers.limits import Limits

MIB = 2**20
DATA = random.Random(7).randbytes(72 * MIB)  # noqa: S311 - any bytes that differ
DIGEST = Digest.of(DATA)
CAP = 16 * MIB  # bytes a second

SLOW = ThroughputSample(rate=4e6, waiting=0.95, busy=0.05, left=2**30)


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """See that no connection's thread outlives its file."""
    yield
    assert not [one.name for one in threading.enumerate() if one.name.startswith("entrepot-")]


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread or process is about to do."""
    deadline_s = time.monotonic() + 240
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def stored(root: Path) -> dict[str, Digest]:
    """Return the digest of every file; the files themselves would be too much for a message."""
    return {name: Digest.of(data) for name, data in tree(root).items()}


def ranges(server: FaultyServer) -> list[tuple[int, int | None] | None]:
    """Return the range that each request of /f asked for, in order."""
    found: list[tuple[int, int | None] | None] = []
    for seen in server.seen:
        first, _, last = (seen.headers.get("Range") or "").removeprefix("bytes=").partition("-")
        found.append((int(first), int(last) + 1 if last else None) if first else None)
    return found


def whole_file(slow: Fault | None = None) -> Fault:
    """Answer 200 with all of the file, whatever range was asked for."""

    def fault(reply: Reply) -> bool:
        reply.status, reply.body = 200, reply.handler.owner.files[reply.handler.path]
        reply.headers.pop("Content-Range", None)
        return slow(reply) if slow is not None else False

    return fault


# The decision.


def test_a_slow_connection_is_doubled_while_that_pays_and_no_further_than_allowed() -> None:
    growth, seen = ConnectionScaling(most=8), [1]
    for step in range(6):
        growth = growth.next_step(ThroughputSample(4e6 * 2**step, 0.95, 0.05, 2**30))
        seen.append(growth.connections)
    assert seen == [1, 2, 4, 8, 8, 8, 8]
    assert growth.settled


def test_a_growth_that_does_not_pay_is_taken_back_for_good() -> None:
    grown = ConnectionScaling().next_step(SLOW).next_step(ThroughputSample(8e6, 0.95, 0.05, 2**30))
    assert grown.connections == 4
    back = grown.next_step(ThroughputSample(8e6 * 1.2, 0.95, 0.05, 2**30))
    assert (back.connections, back.settled) == (2, True)
    assert back.next_step(SLOW) is back


@pytest.mark.parametrize(
    "look",
    [
        ThroughputSample(rate=5e8, waiting=0.3, busy=0.4, left=2**30),
        ThroughputSample(rate=5e8, waiting=0.9, busy=0.95, left=2**30),
        ThroughputSample(rate=4e6, waiting=0.9, busy=0.05, left=PART),
    ],
    ids=["its reader is slow", "the process is busy", "little is left"],
)
def test_one_connection_stays_alone_where_more_would_not_help(look: ThroughputSample) -> None:
    growth = ConnectionScaling().next_step(look)
    assert growth.connections == 1
    assert growth.next_step(SLOW).connections == 2  # but that may change


def test_a_storage_that_is_too_busy_gets_fewer_connections() -> None:
    assert ConnectionScaling(4, before=1e6).step_back() == ConnectionScaling(2, settled=True)
    assert ConnectionScaling().step_back().connections == 1


# A server that caps each connection.


def test_a_file_from_capped_connections_comes_through_several_and_about_once(
    nginx_server: NginxServer, tmp_path: Path
) -> None:
    (nginx_server.root / "capped.bin").write_bytes(DATA)
    before = len(nginx_server.served())
    job = delivery(web(nginx_server.capped), folder(tmp_path))
    (outcome,) = deliver(job, [item("capped.bin", len(DATA), str(DIGEST))])
    assert outcome.status is Status.STORED, outcome
    assert stored(tmp_path) == {"capped.bin": DIGEST}
    assert job.progress.snapshot().bytes == len(DATA)
    assert job.budget.held == 0

    def served() -> list[Served]:
        return nginx_server.served()[before:]

    until(lambda: sum(one.bytes for one in served()) >= len(DATA))
    assert [one.range for one in served() if one.status == 200] == ["-"]
    parts = [one for one in served() if one.status == 206]
    assert len(parts) >= 3
    assert len({one.range for one in parts}) == len(parts)
    assert any(
        one.began_s < other.ended_s and other.began_s < one.ended_s
        for one in parts
        for other in parts
        if one.connection != other.connection
    )
    # What the closed first connection had on its way is all that came in vain.
    assert sum(one.bytes for one in served()) <= len(DATA) + PART


def test_files_that_share_two_connections_all_arrive(
    nginx_server: NginxServer, tmp_path: Path
) -> None:
    data = DATA[: 56 * MIB]
    names = ["one.bin", "two.bin", "three.bin"]
    for name in names:
        (nginx_server.root / name).write_bytes(data)
    source = end(HttpSettings(url=nginx_server.capped), limits=Limits(connections=2))
    outcomes = deliver(
        delivery(source, folder(tmp_path)), [item(name, len(data)) for name in names]
    )
    assert [one.status for one in outcomes] == [Status.STORED] * 3
    assert stored(tmp_path) == dict.fromkeys(names, Digest.of(data))


def test_a_fast_server_gets_exactly_one_request(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    faulty_server.files["/f"] = DATA
    job = delivery(web(faulty_server.url), folder(tmp_path))
    (outcome,) = deliver(job, [item("f", len(DATA))])
    assert outcome.status is Status.STORED
    assert ranges(faulty_server) == [None]


def test_a_repository_that_allows_one_connection_gets_one(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    faulty_server.files["/f"] = DATA
    faulty_server.script("/f", faulty.slowly(CAP))
    source = end(HttpSettings(url=faulty_server.url), limits=Limits(connections=1))
    (outcome,) = deliver(delivery(source, folder(tmp_path)), [item("f", len(DATA))])
    assert outcome.status is Status.STORED
    assert ranges(faulty_server) == [None]


# What goes wrong.


def move(server: FaultyServer, path: Path, *faults: Fault) -> tuple[Outcome, Delivery]:
    """Deliver `DATA` from a server whose first connection is slow; `faults` meet the others."""
    server.files["/f"] = DATA
    server.script("/f", faulty.slowly(CAP), *faults)
    job = delivery(web(server.url), folder(path))
    (outcome,) = deliver(job, [item("f", len(DATA), str(DIGEST))])
    assert job.budget.held == 0
    return outcome, job


def test_a_part_that_breaks_is_fetched_again_alone_and_from_where_it_broke(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    outcome, job = move(faulty_server, tmp_path, faulty.half_body())
    assert outcome.status is Status.STORED, outcome
    assert stored(tmp_path) == {"f": DIGEST}
    assert job.progress.snapshot().bytes == len(DATA)
    asked = ranges(faulty_server)
    assert asked[0] is None
    parts = [one for one in asked[1:] if one is not None]
    start, _ = parts[0]
    again = [one for one in parts if start < one[0] < start + PART]
    assert again == [(start + PART // 2, start + PART)]
    others = sorted(one for one in parts if one not in again)
    assert others == [(at, min(at + PART, len(DATA))) for at in range(start, len(DATA), PART)]


def test_a_part_that_stays_broken_leaves_the_rest_to_one_connection(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    outcome, _ = move(faulty_server, tmp_path, faulty.half_body(), *[faulty.status(500)] * 99)
    assert outcome.error == "storage-failed", outcome
    assert tree(tmp_path) == {}
    assert not leftovers([tmp_path])
    assert ranges(faulty_server)[-1] is not None


def test_a_server_that_refuses_a_second_connection_keeps_its_first(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    outcome, _ = move(faulty_server, tmp_path, *[faulty.status(503)] * 99)
    assert outcome.status is Status.STORED, outcome
    assert outcome.attempts == 1
    assert stored(tmp_path) == {"f": DIGEST}


def test_a_server_that_ignores_ranges_is_asked_for_one_and_no_more(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    outcome, _ = move(faulty_server, tmp_path, *[whole_file()] * 99)
    assert outcome.status is Status.STORED, outcome
    assert stored(tmp_path) == {"f": DIGEST}
    assert len(ranges(faulty_server)) == 2


def test_a_part_that_comes_as_the_whole_file_later_on_is_not_mixed_in(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    whole: list[int] = []

    def fault(reply: Reply) -> bool:
        asked = reply.handler.headers["Range"].removeprefix("bytes=")
        start, _, last = asked.partition("-")
        if int(start) < 56 * MIB or not last:
            return faulty.slowly(CAP)(reply)
        whole.append(int(start))
        return whole_file()(reply)

    for number in range(3):  # on a busy machine a file may end before its connections grow
        outcome, _ = move(faulty_server, tmp_path / str(number), *[fault] * 99)
        assert outcome.status is Status.STORED, outcome
        assert stored(tmp_path / str(number)) == {"f": DIGEST}
        faulty_server.unscript()
        if whole:
            break
    assert whole


def test_a_source_that_changes_meanwhile_is_planned_anew_and_never_mixed(
    nginx_server: NginxServer, tmp_path: Path
) -> None:
    place = nginx_server.root / "changing.bin"
    place.write_bytes(DATA)
    before = len(nginx_server.served())
    job = delivery(web(nginx_server.capped), folder(tmp_path))

    def change() -> None:
        until(lambda: any(one.status == 206 for one in nginx_server.served()[before:]))
        other = nginx_server.root / "other.bin"
        other.write_bytes(DATA[::-1])
        os.utime(other, (1, 1))
        other.replace(place)

    changer = threading.Thread(target=change)
    changer.start()
    (outcome,) = deliver(job, [item("changing.bin", len(DATA))])
    changer.join()
    assert outcome.error == "changed", outcome
    assert tree(tmp_path) == {}
    assert not leftovers([tmp_path])


def test_a_stop_ends_every_connection(faulty_server: FaultyServer, tmp_path: Path) -> None:
    faulty_server.files["/f"] = DATA
    faulty_server.script("/f", faulty.slowly(CAP), faulty.stall(2, after=MIB))
    job = delivery(web(faulty_server.url), folder(tmp_path))

    def stop() -> None:
        until(lambda: faulty_server.requests["/f"] > 1)
        job.stop.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Cancelled):
        deliver(job, [item("f", len(DATA))])
    assert not [one for one in threading.enumerate() if one.name.startswith("entrepot-")]
    stopper.join()
    assert job.budget.held == 0
    assert tree(tmp_path) == {}
    assert not leftovers([tmp_path])
