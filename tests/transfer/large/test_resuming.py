"""A large file whose run was broken off: the next reads the rest, and never a wrong byte."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from catalog.model.digest import Digest
from catalog.model.outcome import Outcome, Status
from providers.base import Storage
from providers.s3.settings import S3Settings
from tests.servers.faulty import Fault, FaultyServer, Reply, good, hang_up
from tests.servers.seaweedfs import S3Server
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, leftovers, web
from transfer.batch.delivery import Delivery, KeptParts, TransferOptions
from transfer.batch.endpoints import Endpoint
from transfer.large import parts_journal
from transfer.large.parts_journal import (
    PART,
    STALE_S,
    PartsJournal,
    SourceIdentity,
    remove_stale_journals,
)

MIB = 2**20
SIZE = 20 * MIB + 5
DATA = os.urandom(SIZE)
CUT = 14 * MIB  # bytes that come before the run breaks off
KEPT = 3 * PART  # of them are whole parts

Make = Callable[[], Delivery]

SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "torn": lambda text: text[: len(text) // 3],
    "empty": lambda text: text[:0],
    "another head": lambda text: b"{}\n" + text,
    "another field": lambda text: text.replace(b'"size"', b'"sized"'),
    "no number": lambda text: text + b"zzzzzzzz\n",
    "no text": lambda text: b"\xff" * len(text),
}


def in_bucket(server: S3Server, bucket: str) -> Endpoint[Storage]:
    """Open a bucket as an end."""
    settings = {
        "bucket": bucket,
        "endpoint": server.endpoint,
        "access_key_id": server.access_key,
        "secret_access_key": server.secret_key,
    }
    return end(S3Settings.model_validate(settings))


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Return where parts are kept."""
    return tmp_path / "parts"


@pytest.fixture(params=["folder", "s3", "folder and s3", "staged"])
def make(
    request: pytest.FixtureRequest, faulty_server: FaultyServer, tmp_path: Path, parts: Path
) -> Make:
    """Return how to begin a delivery of `/f` on one kind of route."""
    faulty_server.files["/f"] = DATA
    staged = request.param == "staged"
    bucket = f"resuming-{os.urandom(4).hex()}"
    if "s3" in request.param:
        request.getfixturevalue("s3_server").make_bucket(bucket)

    def made() -> Delivery:
        ends = [folder(tmp_path / "end")] if staged or "folder" in request.param else []
        if "s3" in request.param:
            server: S3Server = request.getfixturevalue("s3_server")
            ends.append(in_bucket(server, bucket))
        options = TransferOptions(threads=4, keep_staged=staged)
        job = delivery(web(faulty_server.url), *ends, options=options)
        return replace(job, kept_parts=KeptParts(parts, MIB))

    return made


def to_folder(server: FaultyServer, root: Path, parts: Path) -> Delivery:
    """Begin a delivery of `/f` to a folder."""
    server.files["/f"] = DATA
    return replace(delivery(web(server.url), folder(root)), kept_parts=KeptParts(parts, MIB))


def moved(job: Delivery) -> list[Outcome]:
    """Deliver the file, to every end."""
    return deliver(job, [item("f", SIZE, to=len(job.destinations))])


def cut(after: int) -> Fault:
    """Send the first bytes of the file and hang up."""

    def fault(reply: Reply) -> bool:
        reply.headers["Content-Length"] = str(len(reply.body))
        reply.handler.send_head(reply)
        reply.handler.wfile.write(reply.body[:after])
        reply.handler.wfile.flush()
        reply.handler.hang_up()
        return True

    return fault


def broken_off(server: FaultyServer, make: Make, after: int = CUT) -> None:
    """Let a run fail in the middle of the file, and forget what it asked for."""
    server.script("/f", cut(after), *(hang_up() for _ in range(20)))
    assert {one.status for one in moved(make())} == {Status.FAILED}
    server.unscript()
    server.seen.clear()


def asked(server: FaultyServer) -> list[str | None]:
    """Return the ranges that were asked for since."""
    return [seen.headers.get("Range") for seen in server.seen]


def there(job: Delivery) -> list[Digest]:
    """Return what every destination has under the name."""
    return [Digest.of(one.storage.fetch("f").data) for one in job.destinations]


def arrived(job: Delivery, parts: Path) -> None:
    """Move the file and see that it is right everywhere, and that no part of it is left."""
    assert {one.status for one in moved(job)} == {Status.STORED}
    assert set(there(job)) == {Digest.of(DATA)}
    assert list(parts.iterdir()) == []


def test_a_run_after_a_break_reads_only_the_rest(
    faulty_server: FaultyServer, make: Make, parts: Path, tmp_path: Path
) -> None:
    broken_off(faulty_server, make)

    arrived(make(), parts)

    first, rest = asked(faulty_server)
    assert (first, rest) == (None, f"bytes={KEPT}-")  # the first is closed when its head came
    assert not leftovers([tmp_path / "end"])


def test_a_run_may_break_off_again_and_again(
    faulty_server: FaultyServer, make: Make, parts: Path
) -> None:
    broken_off(faulty_server, make, 5 * MIB)
    broken_off(faulty_server, make, 10 * MIB)  # no whole part came
    faulty_server.script("/f", good(), cut(6 * MIB), *(hang_up() for _ in range(20)))
    moved(make())
    faulty_server.unscript()
    faulty_server.seen.clear()

    arrived(make(), parts)

    assert asked(faulty_server)[1] == f"bytes={2 * PART}-"


def test_a_part_that_was_spoiled_is_fetched_again_alone(
    faulty_server: FaultyServer, make: Make, parts: Path, tmp_path: Path
) -> None:
    broken_off(faulty_server, make)
    kept = [*parts.glob("*.part"), *(tmp_path / "end/.entrepot/tmp").glob("*.part")]
    assert len(kept) == 1
    with kept[0].open("r+b") as file:
        file.seek(PART + 77)
        file.write(bytes([DATA[PART + 77] ^ 1]))

    arrived(make(), parts)

    assert asked(faulty_server) == [None, f"bytes={PART}-{2 * PART - 1}", f"bytes={KEPT}-"]


def test_parts_of_another_version_of_the_file_are_thrown_away(
    faulty_server: FaultyServer, make: Make, parts: Path
) -> None:
    broken_off(faulty_server, make)
    new = os.urandom(SIZE)
    faulty_server.files["/f"] = new

    job = make()
    assert {one.status for one in moved(job)} == {Status.STORED}

    assert asked(faulty_server) == [None]
    assert set(there(job)) == {Digest.of(new)}
    assert list(parts.iterdir()) == []


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_journal_that_does_not_fit_is_thrown_away(
    faulty_server: FaultyServer, tmp_path: Path, parts: Path, spoil: Callable[[bytes], bytes]
) -> None:
    make = partial(to_folder, faulty_server, tmp_path / "end", parts)
    broken_off(faulty_server, make)
    (journal,) = parts.glob("*.json")
    journal.write_bytes(spoil(journal.read_bytes()))

    arrived(make(), parts)


def test_sums_of_a_journal_that_are_wrong_cost_a_retry_and_no_byte(
    faulty_server: FaultyServer, tmp_path: Path, parts: Path
) -> None:
    make = partial(to_folder, faulty_server, tmp_path / "end", parts)
    broken_off(faulty_server, make)
    (journal,) = parts.glob("*.json")
    head, first, *rest = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join((head, first[::-1], *rest)))

    arrived(make(), parts)


def test_who_comes_second_reads_without_a_journal(
    faulty_server: FaultyServer, tmp_path: Path, parts: Path
) -> None:
    job = to_folder(faulty_server, tmp_path / "end", parts)
    etag = job.source.storage.stat("f").etag
    first = PartsJournal.acquire(parts, SourceIdentity(job.source.address, "f", str(etag), SIZE))
    assert first is not None

    assert {one.status for one in moved(job)} == {Status.STORED}

    first.close()
    assert there(job) == [Digest.of(DATA)]


@pytest.mark.parametrize("what", ["no room", "no folder"])
def test_a_disk_that_can_keep_nothing_costs_nothing(
    faulty_server: FaultyServer,
    s3_server: S3Server,
    parts: Path,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faulty_server.files["/f"] = DATA
    if what == "no room":
        monkeypatch.setattr(parts_journal, "MIN_FREE_BYTES", 2**62)
    else:
        parts.write_text("a file where the folder should be")
    bucket = f"resuming-{os.urandom(4).hex()}"
    s3_server.make_bucket(bucket)
    job = delivery(web(faulty_server.url), in_bucket(s3_server, bucket))

    assert {one.status for one in moved(replace(job, kept_parts=KeptParts(parts, MIB)))} == {
        Status.STORED
    }

    assert there(job) == [Digest.of(DATA)]
    assert parts.is_file() or list(parts.iterdir()) == []


def test_what_nobody_goes_on_with_is_swept(
    faulty_server: FaultyServer, tmp_path: Path, parts: Path
) -> None:
    make = partial(to_folder, faulty_server, tmp_path / "end", parts)
    broken_off(faulty_server, make)
    assert leftovers([tmp_path / "end"])
    remove_stale_journals(parts)
    (journal,) = parts.iterdir()
    held = PartsJournal.acquire(parts, SourceIdentity("another", "f", "e", SIZE))
    long_ago = journal.stat().st_mtime - STALE_S - 1
    os.utime(journal, (long_ago, long_ago))

    remove_stale_journals(parts)

    assert not journal.exists()
    assert not leftovers([tmp_path / "end"])
    assert held is not None
    held.close()
