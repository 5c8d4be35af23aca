"""Mirrors: other sources of the same files, asked in order where the first one fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import ConnectionFailed
from catalog.model.digest import Digest
from catalog.model.outcome import Outcome, Status
from providers.base import Source
from tests.servers.faulty import Fault, FaultyServer, flipped_bit, status
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, folder, item, web
from transfer.batch.delivery import TransferOptions
from transfer.batch.endpoints import Endpoint
from transfer.batch.mirrors import Mirror, Mirrors
from transfer.locate import source_failover

SMALL = b"x" * 5000
LARGE = b"much more" * 2**20
SIZES = pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])


@pytest.fixture
def main(faulty_server: FaultyServer) -> FaultyServer:
    """Name the source that is asked first."""
    return faulty_server


@pytest.fixture
def other() -> Iterator[FaultyServer]:
    """Run a mirror."""
    with FaultyServer() as server:
        yield server


@pytest.fixture
def third() -> Iterator[FaultyServer]:
    """Run another mirror."""
    with FaultyServer() as server:
        yield server


def mirror(url: str) -> Mirror:
    @contextmanager
    def opened() -> Generator[Endpoint[Source]]:
        yield web(url)

    return Mirror(web(url).address, opened)


def bring(
    main: FaultyServer, root: Path, data: bytes, *others: FaultyServer, digest: bool = True
) -> Outcome:
    digests = (str(Digest.of(data)),) if digest else ()
    return take(main, root, Mirrors([mirror(one.url) for one in others]), len(data), *digests)


def take(main: FaultyServer, root: Path, others: Mirrors, size: int, *digests: str) -> Outcome:
    job = replace(delivery(web(main.url), folder(root)), mirrors=others)
    (outcome,) = deliver(job, [item("f", size, *digests)])
    return outcome


FAULTS: dict[str, list[Fault]] = {
    "not found": [status(404)],
    "refused": [status(403)],
    "down": [status(503)] * 4,
    "damaged": [flipped_bit()] * 4,
}


@SIZES
@pytest.mark.parametrize("faults", FAULTS.values(), ids=list(FAULTS))
def test_what_the_source_cannot_give_comes_from_the_mirror(
    main: FaultyServer, other: FaultyServer, tmp_path: Path, data: bytes, faults: list[Fault]
) -> None:
    main.files["/f"] = other.files["/f"] = data
    main.script("/f", *faults)

    outcome = bring(main, tmp_path, data, other)

    assert outcome.status is Status.STORED, outcome
    assert (tmp_path / "f").read_bytes() == data
    assert other.requests["/f"] == 1


@SIZES
def test_mirrors_are_asked_in_order_each_with_its_own_retries(
    main: FaultyServer, other: FaultyServer, third: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    third.files["/f"] = data
    other.files["/f"] = data
    other.script("/f", *[status(503)] * 4)
    third.script("/f", *[status(503)] * 3)

    outcome = bring(main, tmp_path, data, other, third)

    assert outcome.status is Status.STORED, outcome
    assert (main.requests["/f"], other.requests["/f"], third.requests["/f"]) == (1, 4, 4)


def test_where_every_source_fails_the_last_error_is_told(
    main: FaultyServer, other: FaultyServer, tmp_path: Path
) -> None:
    other.script("/f", status(403))

    outcome = bring(main, tmp_path, SMALL, other)

    assert (outcome.status, outcome.error) == (Status.FAILED, "access-denied")


def test_a_mirror_is_not_asked_where_no_digest_could_tell_that_it_holds_the_same(
    main: FaultyServer, other: FaultyServer, tmp_path: Path
) -> None:
    other.files["/f"] = SMALL

    outcome = bring(main, tmp_path, SMALL, other, digest=False)

    assert (outcome.status, outcome.error) == (Status.FAILED, "not-found")
    assert other.seen == []


@SIZES
def test_a_mirror_that_holds_other_bytes_is_not_believed(
    main: FaultyServer, other: FaultyServer, third: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    other.files["/f"] = data[:-1] + b"!"
    third.files["/f"] = data

    outcome = bring(main, tmp_path, data, other, third)

    assert outcome.status is Status.STORED, outcome
    assert (tmp_path / "f").read_bytes() == data


def test_a_source_that_was_wrong_is_asked_last_until_it_has_cooled_down(
    main: FaultyServer, other: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(source_failover, "monotonic", lambda: now)
    main.files["/f"] = other.files["/f"] = SMALL
    main.script("/f", *[flipped_bit()] * 4)
    bring(main, tmp_path / "one", SMALL, other)
    main.requests.clear()

    bring(main, tmp_path / "two", SMALL, other)
    assert (main.requests["/f"], other.requests["/f"]) == (0, 2)

    del other.files["/f"]
    assert bring(main, tmp_path / "three", SMALL, other).status is Status.STORED
    assert main.requests["/f"] == 1

    now += source_failover.COOL_DOWN_S + 1
    bring(main, tmp_path / "four", SMALL, other)
    assert (main.requests["/f"], other.requests["/f"]) == (2, 3)


def test_a_mirror_that_is_not_needed_is_not_opened_and_one_that_is_down_is_passed_over(
    main: FaultyServer, other: FaultyServer, tmp_path: Path
) -> None:
    opened: list[str] = []

    @contextmanager
    def down() -> Generator[Endpoint[Source]]:
        opened.append("down")
        raise ConnectionFailed("nobody listens")
        yield

    others = Mirrors([Mirror("http://down", down), mirror(other.url)])
    digest = str(Digest.of(SMALL))
    main.files["/f"] = other.files["/f"] = SMALL
    assert take(main, tmp_path / "one", others, len(SMALL), digest).status is Status.STORED
    assert opened == []
    del main.files["/f"]
    assert take(main, tmp_path / "two", others, len(SMALL), digest).status is Status.STORED
    assert opened == ["down"]


@SIZES
def test_own_checks_see_what_a_mirror_gave_and_it_is_read_once(
    main: FaultyServer, other: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    other.files["/f"] = data
    job = replace(
        delivery(
            web(main.url), folder(tmp_path), options=TransferOptions(threads=2, keep_staged=True)
        ),
        mirrors=Mirrors([mirror(other.url)]),
    )

    (outcome,) = deliver(job, [item("f", len(data), str(Digest.of(data)))])

    assert (outcome.status, outcome.origin_etag) == (Status.STORED, None), outcome
    assert (tmp_path / "f").read_bytes() == data
    assert other.requests["/f"] == 1
