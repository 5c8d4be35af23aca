"""What proves the bytes of small objects of S3: an md5 that is computed once on the whole way."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import obstore
import pytest
from pydantic import SecretStr

from catalog.errors import DigestMismatch, ResourceNotFound
from catalog.model.digest import Digest
from catalog.model.outcome import Proof, Status
from providers.base import Attributes
from providers.s3.checksums import checksum
from providers.s3.settings import S3Settings
from providers.s3.storage import S3Storage
from providers.testing.subject import OPTIONS, files_of
from tests.servers.seaweedfs import S3Server
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import QUICK, delivery, item
from transfer.batch.endpoints import Endpoint
from transfer.steps.download import download
from transfer.workers.limits import Limits, RequestLimiter

DATA = b"some bytes" * 1000
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


@pytest.fixture
def settings(s3_server: S3Server) -> S3Settings:
    """Name an empty folder of a bucket."""
    return S3Settings(
        bucket=s3_server.bucket,
        prefix=f"proofs/{uuid4().hex}",
        endpoint=s3_server.endpoint,
        access_key_id=s3_server.access_key,
        secret_access_key=SecretStr(s3_server.secret_key),
    )


def test_a_fetch_tells_the_md5_that_proved_it(settings: S3Settings) -> None:
    storage = settings.open(OPTIONS)
    storage.put("a", DATA, Attributes())
    assert storage.fetch("a").md5 == MD5
    storage.close()


def test_a_put_is_proved_by_the_md5_of_its_source(settings: S3Settings) -> None:
    storage = settings.open(OPTIONS)
    assert storage.put("a", DATA, Attributes(md5=MD5)).proof is Proof.WRITE_PROVED
    assert storage.put("a", DATA, Attributes()).proof is Proof.WRITE_PROVED
    storage.close()


def test_bytes_damaged_since_they_were_read_are_not_kept(settings: S3Settings) -> None:
    storage = settings.open(OPTIONS)
    with pytest.raises(DigestMismatch):
        storage.put("a", b"S" + DATA[1:], Attributes(md5=MD5))
    with pytest.raises(ResourceNotFound):
        storage.stat("a")
    assert storage.put("a", DATA, Attributes()).proof is Proof.WRITE_PROVED
    storage.close()


def test_the_md5_travels_from_bucket_to_bucket(settings: S3Settings, s3_server: S3Server) -> None:
    obstore.put(s3_server.store(), f"{settings.prefix}/from/a", DATA)
    source, goal = (
        Endpoint(place.address(), place.open(OPTIONS), RequestLimiter(Limits()), QUICK)
        for place in (settings.below("from"), settings.below("to"))
    )
    job = delivery(source, goal)
    items = [item("a", len(DATA), etag=source.storage.stat("a").etag)]
    staging = download(job, items)
    assert staging.transfers[0].attributes().md5 == MD5
    staging.release()
    (outcome,) = deliver(job, items)
    assert (outcome.status, outcome.proof) == (Status.STORED, Proof.WRITE_PROVED)
    assert goal.storage.fetch("a").data == DATA
    source.storage.close()
    goal.storage.close()


def test_stat_tells_the_digest_that_we_or_the_store_noted(settings: S3Settings) -> None:
    storage = settings.open(OPTIONS)
    digest = Digest.of(DATA)
    storage.put("ours", DATA, Attributes(sha256=digest.value, content_type="text/x-test"))
    arguments = {"Bucket": settings.bucket, "Key": f"{settings.prefix}/theirs", "Body": DATA}
    plain: Any = settings.filesystem()
    plain.call_s3("put_object", ChecksumSHA256=checksum(DATA), **arguments)
    ours, theirs = storage.stat("ours"), storage.stat("theirs")
    assert ours.digests == theirs.digests == (digest,)
    assert ours.content_type == "text/x-test"
    listed = {one.path: one for one in files_of(storage.enumerate())}
    assert isinstance(storage, S3Storage)
    for one in (ours, theirs, storage.stat_without_checksum("theirs")):
        found = listed[one.path]
        assert (one.size, one.etag) == (found.size, found.etag)
    storage.close()


def test_a_missing_object_may_be_removed_but_not_a_missing_bucket(settings: S3Settings) -> None:
    storage = settings.open(OPTIONS)
    storage.remove("never/was")
    storage.remove("bell\x07")
    storage.close()
    nowhere = settings.model_copy(update={"bucket": "nowhere"}).open(OPTIONS)
    for path in ("a", "bell\x07"):
        with pytest.raises(ResourceNotFound, match="bucket does not exist"):
            nowhere.remove(path)
    nowhere.close()
