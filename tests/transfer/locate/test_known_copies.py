"""Bytes that lie at the destination under another name are copied there, not sent again."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.model.digest import Digest
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.plan import RecordedLocation
from providers.base import Attributes, Storage
from providers.s3.settings import S3Settings
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, web
from transfer.batch.delivery import Delivery, TransferOptions
from transfer.batch.endpoints import Endpoint

SMALL = b"renamed" * 1000
LARGE = b"renamed large" * 2**20
SIZES = pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])


@pytest.fixture
def bucket(s3_server: S3Server) -> Endpoint[Storage]:
    """Open a folder of its own in a real bucket."""
    return end(
        S3Settings.model_validate(
            {
                "bucket": s3_server.bucket,
                "prefix": uuid.uuid4().hex,
                "endpoint": s3_server.endpoint,
                "access_key_id": s3_server.access_key,
                "secret_access_key": s3_server.secret_key,
            }
        )
    )


def held(place: Endpoint[Storage], data: bytes, etag: str | None = None) -> RecordedLocation:
    """Put `data` at the old name, and return what the catalog would tell of it."""
    sha256 = Digest.of(data).value
    stored = place.storage.put("old", data, Attributes(sha256=sha256))
    return RecordedLocation(place.address, "old", sha256, etag or stored.etag)


def renamed(
    job: Delivery, data: bytes, *places: RecordedLocation, declared: bool = True
) -> tuple[Outcome, int]:
    """Deliver a file whose bytes lie at `places`; return the outcome and the bytes moved."""
    digests = (str(Digest.of(data)),) if declared else ()
    one = item("new", len(data), *digests, to=len(job.destinations))
    outcome, *_ = deliver(job, [replace(one, known_copies=places)])
    return outcome, job.progress.snapshot().bytes


@SIZES
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "learned"])
def test_a_store_copies_what_still_has_its_etag_and_nothing_is_read(
    faulty_server: FaultyServer, bucket: Endpoint[Storage], data: bytes, *, declared: bool
) -> None:
    job = delivery(web(faulty_server.url), bucket)

    outcome, moved = renamed(job, data, held(bucket, data), declared=declared)

    assert outcome.status is Status.STORED, outcome
    assert (outcome.proof, outcome.digest) == (Proof.WRITE_PROVED, Digest.of(data).value)
    assert bucket.storage.fetch("new").data == data
    assert (moved, faulty_server.seen) == (0, [])


@SIZES
def test_what_changed_since_it_was_recorded_is_not_copied(
    faulty_server: FaultyServer, bucket: Endpoint[Storage], data: bytes
) -> None:
    faulty_server.files["/new"] = data
    place = held(bucket, data)
    bucket.storage.put("old", data[::-1], Attributes())
    gone = replace(place, path="gone")

    outcome, _ = renamed(delivery(web(faulty_server.url), bucket), data, gone, place)

    assert outcome.status is Status.STORED, outcome
    assert bucket.storage.fetch("new").data == data
    assert faulty_server.requests["/new"] == 1


def test_a_copy_that_is_not_as_long_as_planned_is_taken_back(
    faulty_server: FaultyServer, bucket: Endpoint[Storage]
) -> None:
    faulty_server.files["/new"] = SMALL
    place = replace(held(bucket, SMALL + b"!"), sha256=Digest.of(SMALL).value)

    outcome, _ = renamed(delivery(web(faulty_server.url), bucket), SMALL, place)

    assert outcome.status is Status.STORED, outcome
    assert bucket.storage.fetch("new").data == SMALL


@SIZES
def test_a_folder_reads_its_own_disk_and_the_source_is_not_asked(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    place = folder(tmp_path)

    outcome, _ = renamed(delivery(web(faulty_server.url), place), data, held(place, data))

    assert outcome.status is Status.STORED, outcome
    old, new = (tmp_path / name for name in ("old", "new"))
    assert new.read_bytes() == data
    assert old.stat().st_ino != new.stat().st_ino
    assert faulty_server.seen == []


@SIZES
def test_a_place_that_is_gone_is_no_failure(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    faulty_server.files["/new"] = data
    place = folder(tmp_path)
    gone = replace(held(place, data), path="gone")

    outcome, _ = renamed(delivery(web(faulty_server.url), place), data, gone)

    assert outcome.status is Status.STORED, outcome
    assert (tmp_path / "new").read_bytes() == data
    assert faulty_server.requests["/new"] == 1


def test_a_second_destination_that_cannot_copy_is_given_the_bytes_of_the_first(
    faulty_server: FaultyServer, bucket: Endpoint[Storage], tmp_path: Path
) -> None:
    job = delivery(web(faulty_server.url), bucket, folder(tmp_path))

    outcome, _ = renamed(job, SMALL, held(bucket, SMALL))

    assert outcome.status is Status.STORED, outcome
    assert bucket.storage.fetch("new").data == (tmp_path / "new").read_bytes() == SMALL
    assert faulty_server.seen == []


def test_bytes_that_own_checks_must_see_are_read_all_the_same(
    faulty_server: FaultyServer, bucket: Endpoint[Storage]
) -> None:
    options = TransferOptions(threads=2, keep_staged=True)
    job = delivery(web(faulty_server.url), bucket, options=options)

    outcome, moved = renamed(job, SMALL, held(bucket, SMALL))

    assert outcome.status is Status.STORED, outcome
    assert moved == len(SMALL)
    assert faulty_server.seen == []
