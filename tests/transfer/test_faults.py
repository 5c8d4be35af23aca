"""A source that misbehaves: the right bytes or a clear error, and no request too many."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.model.digest import Digest
from catalog.model.outcome import Proof, Status
from tests.servers import faulty
from tests.servers.faulty import FaultyServer
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, folder, item, leftovers, tree, web
from transfer.batch.delivery import TransferOptions
from transfer.workers.retry import RetryPolicy

SMALL = b"0123456789abcdef" * 640  # 10 KiB
LARGE = bytes(range(256)) * 4096 * 9  # 9 MiB: the large lane


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_truncated_a_damaged_and_a_refused_reply_cost_four_requests(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    faulty_server.files["/f"] = data
    faulty_server.script(
        "/f", faulty.half_body(), faulty.flipped_bit(), faulty.status(429), faulty.good()
    )
    job = delivery(web(faulty_server.url), folder(tmp_path))
    (outcome,) = deliver(job, [item("f", len(data), str(Digest.of(data)))])
    assert outcome.status is Status.STORED, outcome
    assert outcome.proof is Proof.END_TO_END
    assert outcome.attempts == 4
    assert faulty_server.requests["/f"] == 4
    assert tree(tmp_path) == {"f": data}


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_no_retry_means_one_request(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    faulty_server.files["/f"] = data
    faulty_server.script("/f", faulty.status(503))
    job = delivery(web(faulty_server.url, RetryPolicy(retries=0)), folder(tmp_path))
    (outcome,) = deliver(job, [item("f", len(data))])
    assert (outcome.status, outcome.error) == (Status.FAILED, "busy")
    assert faulty_server.requests["/f"] == 1
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("fault", "error"),
    [(faulty.status(404), "not-found"), (faulty.status(403), "access-denied")],
    ids=["404", "403"],
)
def test_what_no_retry_mends_is_asked_once_and_the_rest_arrives(
    faulty_server: FaultyServer, tmp_path: Path, fault: faulty.Fault, error: str
) -> None:
    faulty_server.files |= {"/bad": SMALL, "/good": SMALL}
    faulty_server.script("/bad", fault)
    job = delivery(web(faulty_server.url), folder(tmp_path))
    outcomes = deliver(job, [item("bad", len(SMALL)), item("good", len(SMALL))])
    by_path = {one.path: one for one in outcomes}
    assert by_path["bad"].error == error
    assert "bad'" in str(by_path["bad"].message)
    assert by_path["good"].status is Status.STORED
    assert faulty_server.requests["/bad"] == 1
    assert tree(tmp_path) == {"good": SMALL}


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_wrong_digest_is_an_error_that_names_both(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    faulty_server.files["/f"] = data
    declared = str(Digest.of(b"something else"))
    job = delivery(web(faulty_server.url, RetryPolicy(retries=1, first_s=0)), folder(tmp_path))
    (outcome,) = deliver(job, [item("f", len(data), declared)])
    assert outcome.error == "digest-mismatch"
    assert outcome.expected == declared
    assert outcome.found == str(Digest.of(data))
    assert tree(tmp_path) == {}
    assert not leftovers([tmp_path])


def test_a_short_body_that_calls_itself_whole_is_not_stored(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    faulty_server.files["/f"] = SMALL
    faulty_server.script("/f", *[faulty.short_lie()] * 9)
    job = delivery(web(faulty_server.url), folder(tmp_path))
    (outcome,) = deliver(job, [item("f", len(SMALL), str(Digest.of(SMALL)))])
    assert outcome.error == "size-mismatch"
    assert outcome.expected == str(len(SMALL))
    assert tree(tmp_path) == {}


def test_a_stalled_reply_is_given_up_and_the_next_try_goes_on(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    faulty_server.files["/f"] = SMALL
    faulty_server.script("/f", faulty.stall(60, after=100))
    job = delivery(web(faulty_server.url, read_s=0.5), folder(tmp_path))
    (outcome,) = deliver(job, [item("f", len(SMALL))])
    assert outcome.status is Status.STORED
    assert tree(tmp_path) == {"f": SMALL}


def test_a_broken_large_read_goes_on_where_it_broke(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    faulty_server.files["/f"] = LARGE
    faulty_server.script("/f", faulty.half_body(reset=True))
    job = delivery(web(faulty_server.url), folder(tmp_path))
    (outcome,) = deliver(job, [item("f", len(LARGE))])
    assert outcome.status is Status.STORED, outcome
    assert tree(tmp_path) == {"f": LARGE}
    ranges = [seen.headers.get("Range") for seen in faulty_server.seen if seen.path == "/f"]
    assert ranges[0] is None
    assert all(one is not None and not one.startswith("bytes=0-") for one in ranges[1:])


def test_what_changed_since_the_plan_is_not_stored(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    faulty_server.files["/f"] = SMALL
    source = web(faulty_server.url)
    planned = source.storage.stat("f")
    faulty_server.files["/f"] = SMALL[::-1]
    (outcome,) = deliver(
        delivery(source, folder(tmp_path)), [item("f", len(SMALL), etag=planned.etag)]
    )
    assert outcome.error == "changed"
    assert tree(tmp_path) == {}


def test_a_failure_stops_the_rest_when_asked(faulty_server: FaultyServer, tmp_path: Path) -> None:
    from catalog.model.plan import OnError  # noqa: PLC0415 - this test alone

    names = [f"f{number:03}" for number in range(50)]
    faulty_server.files |= {f"/{name}": SMALL for name in names}
    faulty_server.script("/f000", faulty.status(404))
    options = TransferOptions(threads=1, on_error=OnError.FAIL)
    job = delivery(web(faulty_server.url), folder(tmp_path), options=options)
    outcomes = deliver(job, [item(name, len(SMALL)) for name in names])
    assert [one.path for one in outcomes if one.status is Status.FAILED] == ["f000"]
    assert len(tree(tmp_path)) == 0
