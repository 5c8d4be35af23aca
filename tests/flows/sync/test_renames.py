"""A file that was renamed at the source costs the source nothing."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from catalog.model.digest import Digest
from catalog.model.plan import Mode
from tests.flows.sync.test_sync import bucket, files
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server

DATA = b"the bytes that stay"


def offer(server: FaultyServer, name: str, data: bytes) -> None:
    server.files.clear()
    server.files[f"/{name}"] = data
    server.files["/SHA256SUMS"] = f"{Digest.of(data).value}  {name}\n".encode()


@pytest.mark.parametrize("mode", list(Mode))
def test_a_renamed_file_is_copied_inside_the_bucket(
    faulty_server: FaultyServer, s3_server: S3Server, mode: Mode
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    prefix = uuid.uuid4().hex
    end = bucket(s3_server, prefix)
    offer(faulty_server, "before/f", DATA)
    sync(f"{faulty_server.url}/SHA256SUMS", [end], mode=mode)
    offer(faulty_server, "after/f", DATA)

    result = sync(f"{faulty_server.url}/SHA256SUMS", [end], mode=mode)

    assert (result.added, result.removed) == (1, int(mode is Mode.MIRROR))
    assert faulty_server.requests["/after/f"] == 0
    assert bytes(s3_server.store().get(f"{prefix}/after/f").bytes()) == DATA


@pytest.mark.parametrize("mode", list(Mode))
def test_a_renamed_file_is_copied_inside_a_folder(
    faulty_server: FaultyServer, tmp_path: Path, mode: Mode
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    offer(faulty_server, "before/f", DATA)
    sync(f"{faulty_server.url}/SHA256SUMS", [str(tmp_path / "end")], mode=mode)
    offer(faulty_server, "after/f", DATA)

    sync(f"{faulty_server.url}/SHA256SUMS", [str(tmp_path / "end")], mode=mode)

    assert faulty_server.requests["/after/f"] == 0
    assert files(tmp_path / "end")["after/f"] == DATA
    assert ("before/f" in files(tmp_path / "end")) is (mode is Mode.ADDITIVE)
