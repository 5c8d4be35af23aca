"""Alternates: repositories that hold the same bytes under other names, read before the source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.errors import RepositoryNotFound
from catalog.model.digest import Digest
from tests.flows.sync.test_sync import files
from tests.servers.faulty import FaultyServer

if TYPE_CHECKING:
    from blocks.repository import Repository


@pytest.fixture
def near(tmp_path: Path) -> Path:
    """Return a folder whose manifest names the bytes of `f` and `g` as others."""
    folder = tmp_path / "near"
    folder.mkdir()
    (folder / "one").write_bytes(b"first")
    (folder / "two").write_bytes(b"second")
    lines = [f"{Digest.of(path.read_bytes()).value}  {path.name}\n" for path in folder.iterdir()]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def declared(server: FaultyServer, **contents: bytes) -> None:
    """Let a web server declare what it may not have."""
    lines = [f"{Digest.of(data).value}  {path}\n" for path, data in contents.items()]
    server.files["/SHA256SUMS"] = "".join(lines).encode()


def source(server: FaultyServer, *alternates: str) -> Repository:
    from blocks.repository import Repository  # noqa: PLC0415

    return Repository.model_validate(
        {
            "storage": {"type": "http", "url": server.url},
            "manifest": "SHA256SUMS",
            "alternates": list(alternates),
        }
    )


def test_bytes_come_from_an_alternate_and_only_the_manifest_from_the_source(
    faulty_server: FaultyServer, near: Path, tmp_path: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    declared(faulty_server, f=b"first", g=b"second")  # and serves neither

    result = sync(source(faulty_server, f"{near}/SHA256SUMS"), [str(tmp_path / "end")])

    assert result.added == 2
    assert files(tmp_path / "end") == {"f": b"first", "g": b"second"}
    assert set(faulty_server.requests) == {"/SHA256SUMS"}


def test_the_source_gives_what_no_alternate_has_or_has_damaged(
    faulty_server: FaultyServer, near: Path, tmp_path: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    declared(faulty_server, f=b"first", g=b"second", h=b"third")
    faulty_server.files |= {"/f": b"first", "/g": b"second", "/h": b"third"}
    (near / "one").write_bytes(b"FIRST")

    alternates = (str(tmp_path / "nowhere"), f"{near}/SHA256SUMS")
    result = sync(source(faulty_server, *alternates), [str(tmp_path / "end")])

    assert result.added == 3
    assert files(tmp_path / "end") == {"f": b"first", "g": b"second", "h": b"third"}
    assert set(faulty_server.requests) == {"/SHA256SUMS", "/f", "/h"}


def test_a_plan_is_applied_and_a_catalogued_file_fetched_from_an_alternate(
    faulty_server: FaultyServer, near: Path, tmp_path: Path
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.fetch import fetch  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    declared(faulty_server, f=b"first", g=b"second")
    origin = source(faulty_server, f"{near}/SHA256SUMS")
    end, cache = str(tmp_path / "end"), str(tmp_path / "cache")

    planned = plan(origin, [end])
    applied = apply(planned.plan_id, source=origin, destinations=[end])
    sync(origin, [cache], policy="on_demand")
    fetched = fetch(cache, sources=[origin])

    assert applied.added == fetched.files == 2
    assert files(tmp_path / "end") == files(tmp_path / "cache")
    assert set(faulty_server.requests) == {"/SHA256SUMS"}


def test_a_large_file_comes_from_an_alternate(
    faulty_server: FaultyServer, near: Path, tmp_path: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    large = b"much more" * 2**20
    (near / "one").write_bytes(large)
    (near / "SHA256SUMS").write_text(f"{Digest.of(large).value}  one\n")
    declared(faulty_server, big=large)

    result = sync(source(faulty_server, f"{near}/SHA256SUMS"), [str(tmp_path / "end")])

    assert result.bytes == len(large)
    assert (tmp_path / "end" / "big").read_bytes() == large


def test_an_alternate_that_no_name_leads_to_is_refused_before_anything_moves(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    declared(faulty_server, f=b"first")

    with pytest.raises(RepositoryNotFound, match="no-such-block"):
        sync(source(faulty_server, "no-such-block"), [str(tmp_path / "end")])

    assert not (tmp_path / "end").exists()
