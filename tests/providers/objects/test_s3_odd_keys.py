"""Large objects whose names obstore cannot express: part by part, proved, never whole in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from catalog.errors import ResourceChanged
from catalog.model.digest import Digest, Hasher
from catalog.model.outcome import Proof
from providers.base import Attributes
from providers.objects.storage import MIN_PART
from providers.s3.settings import S3Settings
from providers.s3.storage import S3Storage
from providers.testing.subject import OPTIONS
from tests.servers.seaweedfs import S3Server

KEY = "tab\there/line\nbreak"
PIECE = bytes(range(256)) * 4096  # 1 MiB
PIECES = 120


@pytest.fixture
def storage(s3_server: S3Server) -> Iterator[S3Storage]:
    """Open an empty folder of a bucket whose parts are the smallest that S3 takes."""
    settings = S3Settings(
        bucket=s3_server.bucket,
        prefix=f"odd/{uuid4().hex}",
        endpoint=s3_server.endpoint,
        access_key_id=s3_server.access_key,
        secret_access_key=SecretStr(s3_server.secret_key),
    )
    opened = settings.open(replace(OPTIONS, part=MIN_PART))
    if not isinstance(opened, S3Storage):
        raise TypeError(opened)
    yield opened
    opened.close()


def test_it_comes_and_goes_part_by_part(storage: S3Storage) -> None:
    tracemalloc.start()
    try:
        writer = storage.write(KEY, Attributes("text/plain"), size=PIECES * len(PIECE))
        for _ in range(PIECES):
            writer.write(PIECE)
        stored = writer.commit(Digest.of(PIECE * PIECES))
        tracemalloc.reset_peak()
        found = Hasher()
        for chunk in storage.read(KEY, etag=stored.etag, start=len(PIECE)):
            found.update(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert stored.size == PIECES * len(PIECE)
    assert stored.proof is Proof.WRITE_PROVED
    assert storage.stat(KEY).content_type == "text/plain"
    assert found.digest() == Digest.of(PIECE * (PIECES - 1))
    assert peak < PIECES * len(PIECE) / 2  # some parts, however large the object


def test_a_range_ends_where_it_was_asked_to(storage: S3Storage) -> None:
    storage.put(KEY, b"0123456789", Attributes())
    assert b"".join(bytes(one) for one in storage.read(KEY, start=2, length=3)) == b"234"
    assert b"".join(bytes(one) for one in storage.read(KEY, start=8, length=9)) == b"89"


def test_what_changed_meanwhile_is_not_mixed(storage: S3Storage) -> None:
    storage.put(KEY, PIECE * 12, Attributes())
    chunks = iter(storage.read(KEY))
    next(chunks)
    storage.put(KEY, PIECE * 13, Attributes())
    with pytest.raises(ResourceChanged, match="changed since it was planned"):
        next(chunks)


def test_what_was_given_up_leaves_no_upload(storage: S3Storage) -> None:
    writer = storage.write(KEY, Attributes(), size=None)
    for _ in range(6):
        writer.write(PIECE)
    assert [one.path for one in storage.uploads().unfinished()] == [KEY]
    writer.abort()
    assert list(storage.uploads().unfinished()) == []
    assert list(storage.enumerate()) == []


def test_an_object_without_bytes_is_one(storage: S3Storage) -> None:
    writer = storage.write(KEY, Attributes(), size=0)
    stored = writer.commit(Digest.of(b""))
    assert stored.size == 0
    assert storage.fetch(KEY).data == b""
