"""One reply that asks for patience slows down everybody who asks that storage, and not for ever."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from catalog.errors import StorageBusy
from providers.http.settings import HttpSettings
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, tree
from transfer.batch.delivery import TransferOptions
from transfer.workers.adaptive_limit import FIRST_PAUSE_S, MAX_PAUSE_S, AdaptiveLimit
from transfer.workers.limits import Limits, RequestLimiter
from transfer.workers.retry import RetryPolicy
from transfer.workers.stop import StopFlag

CONNECTIONS = 16


def test_a_pause_is_named_by_the_storage_or_grows() -> None:
    pace = AdaptiveLimit(64)
    assert pace.record_busy(0.0, 3.0)
    assert pace.pause_s(1.0) == 2.0

    assert pace.record_busy(3.0, None)
    assert pace.pause_s(3.0) == 2 * FIRST_PAUSE_S  # the second in a row
    assert pace.record_busy(10.0, 10_000.0)
    assert pace.pause_s(10.0) == MAX_PAUSE_S


def test_replies_to_what_was_under_way_are_no_news() -> None:
    pace = AdaptiveLimit(64)

    assert [pace.record_busy(0.1 * number, None) for number in range(5)] == [True] + [False] * 4
    assert pace.allowed == 32


def test_connections_are_halved_and_grow_again_to_the_full() -> None:
    pace = AdaptiveLimit(8)
    for moment in (0.0, 100.0, 200.0, 300.0):
        pace.record_busy(moment, 1.0)
    assert pace.allowed == 1

    moment, replies = 400.0, 0
    while not pace.is_full:
        pace.record_success(moment)
        replies += 1

    assert pace.allowed == 8
    assert replies == sum(range(1, 8))  # one more for as many good replies as are allowed at once


def test_no_growth_while_a_pause_lasts() -> None:
    pace = AdaptiveLimit(2)
    pace.record_busy(0.0, 5.0)

    assert not pace.record_success(1.0)
    assert pace.record_success(6.0)
    assert pace.is_full


def test_a_gate_admits_fewer_after_it_and_all_again_later() -> None:
    limiter, stop = RequestLimiter(Limits(connections=4)), StopFlag()
    with pytest.raises(StorageBusy), limiter.connection(stop):
        raise StorageBusy("slow down", retry_after_s=0.0)

    limiter.enter(stop)
    limiter.enter(stop)
    assert not limiter.try_enter()
    limiter.leave()
    limiter.leave()
    for _ in range(2 + 3):
        with limiter.connection(stop):
            pass

    assert [limiter.try_enter() for _ in range(5)] == [True] * 4 + [False]


@contextmanager
def server_that_is_busy(seconds: float) -> Generator[tuple[str, Counter[int]]]:
    """Serve any file, but say 503 for some time from the first request on; count the replies."""
    said: Counter[int] = Counter()
    lock, began = threading.Lock(), list[float]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with lock:
                began[:] = began or [time.monotonic()]
                status = 503 if time.monotonic() - began[0] < seconds else 200
                said[status] += 1
            self.send_response(status)
            self.send_header("Content-Length", "1")
            self.end_headers()
            self.wfile.write(b"x")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", said
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_server_that_is_busy_for_a_second_is_not_hammered(tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(300)]
    with server_that_is_busy(1.0) as (url, said):
        source = end(
            HttpSettings(url=url),
            limits=Limits(connections=CONNECTIONS),
            retry=RetryPolicy(retries=10, first_s=0.5),
        )
        options = TransferOptions(threads=64)

        deliver(
            delivery(source, folder(tmp_path), options=options), [item(name, 1) for name in names]
        )

    assert len(tree(tmp_path)) == 300
    assert said[503] <= 2 * CONNECTIONS
    assert said[200] == 300
