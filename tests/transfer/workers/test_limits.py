"""Limits hold for the whole process, and stopping undoes what is under way."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import Cancelled, StorageBusy, StorageFailed
from providers.http.settings import HttpSettings
from providers.s3.settings import S3Settings
from tests.servers import faulty
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, tree, web
from transfer.batch.delivery import TransferOptions
from transfer.workers.limits import Limits, MemoryBudget, RequestLimiter, TokenBucket
from transfer.workers.pool import WorkerPool
from transfer.workers.retry import RetryPolicy
from transfer.workers.stop import StopFlag


def test_no_more_connections_than_allowed_for_many_items(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    names = [f"f{number}" for number in range(500)]
    faulty_server.files |= {f"/{name}": b"x" * 100 for name in names}
    source = end(HttpSettings(url=faulty_server.url), limits=Limits(connections=3))
    options = TransferOptions(threads=32)
    deliver(
        delivery(source, folder(tmp_path), options=options), [item(name, 100) for name in names]
    )
    assert len(tree(tmp_path)) == 500
    assert len({seen.peer for seen in faulty_server.seen}) <= 3


def test_a_gate_admits_no_more_than_its_connections() -> None:
    limiter, stop = RequestLimiter(Limits(connections=2)), StopFlag()
    inside = 0
    most = 0
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal inside, most
        with limiter.connection(stop):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.001)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_bucket_spreads_requests_over_time() -> None:
    bucket = TokenBucket(rate=10)
    waits = [bucket.delay_s(1) for _ in range(31)]
    assert waits[0] == 0.0
    assert 2.9 < waits[-1] <= 3.0  # thirty later at ten a second


def test_a_budget_admits_one_that_is_too_large_only_when_it_is_empty() -> None:
    budget = MemoryBudget(10)
    assert budget.take(100)
    assert not budget.take(1)
    budget.release(100)
    assert budget.take(5)
    assert budget.take(5)
    assert not budget.take(1)


@pytest.mark.parametrize(
    ("error", "attempt", "low", "high"),
    [
        (StorageFailed("x"), 1, 0.5, 1.0),
        (StorageFailed("x"), 3, 2.0, 4.0),
        (StorageBusy("x", retry_after_s=7), 1, 7, 7),
        (StorageBusy("x", retry_after_s=900), 1, 60, 60),
    ],
    ids=["first", "third", "as it asks", "not for ever"],
)
def test_waits_grow_and_honour_what_the_server_asks(
    error: StorageFailed | StorageBusy, attempt: int, low: float, high: float
) -> None:
    delay = RetryPolicy(retries=5, first_s=1.0).delay_s(attempt, error)
    assert delay is not None
    assert low <= delay <= high


def test_a_piece_that_waits_for_its_next_try_holds_up_no_other() -> None:
    order: list[str] = []
    tries = {"slow": 0}

    def work(piece: str) -> float | None:
        if piece == "slow" and not tries["slow"]:
            tries["slow"] = 1
            return 0.2
        order.append(piece)
        return None

    WorkerPool(["slow", "a", "b"], work, StopFlag()).run(1)
    assert order == ["a", "b", "slow"]


def test_an_unforeseen_error_ends_the_lane() -> None:
    def work(_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        WorkerPool(range(10), work, StopFlag()).run(4)


def test_a_stop_in_the_middle_of_a_large_file_leaves_no_upload(
    faulty_server: FaultyServer, s3_server: S3Server, tmp_path: Path
) -> None:
    data = bytes(20 * 2**20)
    faulty_server.files["/big"] = data
    faulty_server.script("/big", faulty.slowly(8 * 2**20))
    settings = S3Settings.model_validate(
        {
            "bucket": s3_server.bucket,
            "prefix": "stopped",
            "endpoint": s3_server.endpoint,
            "access_key_id": s3_server.access_key,
            "secret_access_key": s3_server.secret_key,
        }
    )
    job = delivery(web(faulty_server.url), end(settings), folder(tmp_path))
    before = threading.active_count()
    threading.Timer(1.0, job.stop.set).start()
    with pytest.raises(Cancelled):
        deliver(job, [item("big", len(data), to=2)])
    filesystem: Any = settings.filesystem()
    reply = filesystem.call_s3("list_multipart_uploads", Bucket=s3_server.bucket, Prefix="stopped")
    assert not reply.get("Uploads")
    assert list(end(settings).storage.enumerate()) == []
    assert tree(tmp_path) == {}
    deadline = time.monotonic() + 120
    while threading.active_count() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.05)  # s3fs keeps one thread of its own; the server's request threads end
    assert not [one for one in threading.enumerate() if one.name.startswith("entrepot-")]


@pytest.mark.parametrize("size", [1000, 9 * 2**20], ids=["small", "large"])
@pytest.mark.parametrize("told", [True, False], ids=["size known", "size unknown"])
@pytest.mark.parametrize("staged", [True, False], ids=["staged", "passing through"])
def test_each_byte_is_counted_once(
    faulty_server: FaultyServer, tmp_path: Path, *, size: int, told: bool, staged: bool
) -> None:
    faulty_server.files["/a"] = b"x" * size
    source = end(HttpSettings(url=faulty_server.url))
    job = delivery(source, folder(tmp_path), options=TransferOptions(keep_staged=staged))

    deliver(job, [item("a", size if told else None)])

    assert len(tree(tmp_path)["a"]) == size
    assert job.progress.snapshot().bytes == size
