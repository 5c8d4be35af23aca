"""Small files are asked for ahead: each once, none in a circle, and none left hanging."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from catalog.errors import Cancelled
from catalog.model.plan import OnError
from providers.http.settings import HttpSettings
from tests.servers import faulty
from tests.servers.faulty import FaultyServer
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, tree
from transfer.batch.delivery import TransferOptions
from transfer.workers.limits import Limits

ONE = TransferOptions(threads=1)


def names_on(server: FaultyServer, count: int) -> list[str]:
    names = [f"f{number}" for number in range(count)]
    server.files |= {f"/{name}": name.encode() * 100 for name in names}
    return names


def test_one_thread_asks_over_several_connections_and_for_each_file_once(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    names = names_on(faulty_server, 30)
    job = delivery(end(HttpSettings(url=faulty_server.url)), folder(tmp_path), options=ONE)

    deliver(job, [item(name, 100 * len(name)) for name in names])

    assert tree(tmp_path) == {name: name.encode() * 100 for name in names}
    assert set(faulty_server.requests.values()) == {1}
    assert 1 < len({seen.peer for seen in faulty_server.seen}) <= 9


@pytest.mark.parametrize("connections", [1, 2, 3])
def test_few_connections_serve_many_threads_without_a_circle(
    faulty_server: FaultyServer, tmp_path: Path, connections: int
) -> None:
    names = names_on(faulty_server, 200)
    source = end(HttpSettings(url=faulty_server.url), limits=Limits(connections=connections))
    for name in names[::7]:
        faulty_server.script(f"/{name}", faulty.status(503))
    job = delivery(source, folder(tmp_path), options=TransferOptions(threads=16))

    deliver(job, [item(name, 100 * len(name)) for name in names])

    assert len(tree(tmp_path)) == 200
    assert len({seen.peer for seen in faulty_server.seen}) <= connections


def test_one_that_breaks_is_repeated_alone(faulty_server: FaultyServer, tmp_path: Path) -> None:
    names = names_on(faulty_server, 8)
    faulty_server.script("/f2", faulty.half_body())
    job = delivery(end(HttpSettings(url=faulty_server.url)), folder(tmp_path), options=ONE)

    outcomes = deliver(job, [item(name, 100 * len(name)) for name in names])

    assert faulty_server.requests == {f"/{name}": 1 + (name == "f2") for name in names}
    assert [one.attempts for one in outcomes] == [1, 1, 2, 1, 1, 1, 1, 1]


def test_nothing_is_asked_ahead_where_the_first_failure_is_to_end_the_run(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    names = names_on(faulty_server, 8)
    faulty_server.script("/f0", faulty.status(404))
    options = TransferOptions(threads=1, on_error=OnError.FAIL)
    job = delivery(end(HttpSettings(url=faulty_server.url)), folder(tmp_path), options=options)

    deliver(job, [item(name, 100 * len(name)) for name in names])

    assert faulty_server.requests == {"/f0": 1}


def test_a_stop_gives_up_what_was_asked_for(faulty_server: FaultyServer, tmp_path: Path) -> None:
    names = names_on(faulty_server, 8)
    faulty_server.script("/f0", faulty.slowly(400))
    source = end(HttpSettings(url=faulty_server.url), limits=Limits(connections=8))
    job = delivery(source, folder(tmp_path), options=ONE)
    threading.Timer(0.3, job.stop.set).start()

    with pytest.raises(Cancelled):
        deliver(job, [item(name, 100 * len(name)) for name in names])

    assert len(faulty_server.seen) > 1, "more than the first was asked for"
    assert sum(source.limiter.try_enter() for _ in range(9)) == 8, "every passage was given back"
    assert tree(tmp_path) == {}
