"""Pull, with PullMan's rules and its own command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalog.errors import InvalidInput, NothingMatched
from tests.flows.sync.test_sync import bucket, files
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server

PULLMAN = {
    "repository": {"type": "http", "url": "http://127.0.0.1:8080"},
    "directory": "./output",
    "targets": [
        {"remotePath": "uuid"},
        {"remotePath": "/image/jpeg", "localPath": "random_image.jpg"},
    ],
}
"""PullMan's example, as its README gives it."""


def test_the_five_rules_of_local_paths(s3_server: S3Server, tmp_path: Path) -> None:
    from flows.pull import TargetSettings, pull  # noqa: PLC0415 - imports Prefect

    store = s3_server.store()
    keys = ["dir/f", "dir/sub/b", "dir2/c", "one.bin", "x/two.bin", "x/three.bin", "dirt/no"]
    for key in keys:
        store.put(f"pull/{key}", key.encode())
    result = pull(
        bucket(s3_server, "pull"),
        [
            "dir",
            TargetSettings(remote_path="/dir2/", local_path="y"),
            "one.bin",
            TargetSettings(remote_path="x/two.bin", local_path="a/b.ext"),
            TargetSettings(remote_path="x/three.bin", local_path="a/"),
        ],
        str(tmp_path / "out"),
    )
    assert result.added == 6
    assert files(tmp_path / "out") == {
        "f": b"dir/f",
        "sub/b": b"dir/sub/b",
        "y/c": b"dir2/c",
        "one.bin": b"one.bin",
        "a/b.ext": b"x/two.bin",
        "a/three.bin": b"x/three.bin",
    }


def test_pullmans_own_command_works_as_parameters(
    faulty_server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.pull import pull  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    faulty_server.files |= {"/uuid": b"some uuid", "/image/jpeg": b"\xff\xd8jpeg"}
    command = json.loads(json.dumps(PULLMAN))
    command["repository"]["url"] = faulty_server.url
    result = pull(**command)
    assert result.added == 2
    assert files(tmp_path / "output") == {"uuid": b"some uuid", "random_image.jpg": b"\xff\xd8jpeg"}
    assert not pull(**command).changed


def test_a_local_path_never_leaves_the_directory(source: Path, tmp_path: Path) -> None:
    from flows.pull import TargetSettings, pull  # noqa: PLC0415

    out = tmp_path / "deep" / "out"
    pull(
        str(source),
        [
            TargetSettings(remote_path="a.txt", local_path="../../../escaped"),
            TargetSettings(remote_path="sub", local_path="/abs"),
        ],
        str(out),
    )
    assert set(files(out)) == {"escaped", "abs/b.bin"}
    assert not (tmp_path / "escaped").exists()


def test_a_link_inside_the_directory_that_leads_out_is_not_followed(
    source: Path, tmp_path: Path
) -> None:
    from flows.pull import TargetSettings, pull  # noqa: PLC0415
    from flows.results.sync import SyncFailed  # noqa: PLC0415

    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (out / "trap").symlink_to(outside)
    with pytest.raises((SyncFailed, InvalidInput), match="leads out of the repository's root"):
        pull(str(source), [TargetSettings(remote_path="a.txt", local_path="trap/f")], str(out))
    assert not list(outside.iterdir())


def test_a_target_that_matches_nothing_is_an_error(source: Path, tmp_path: Path) -> None:
    from flows.pull import pull  # noqa: PLC0415

    with pytest.raises(NothingMatched, match="'nope'"):
        pull(str(source), ["nope"], str(tmp_path / "out"))
    assert not pull(str(source), ["nope"], str(tmp_path / "out"), allow_empty=True).changed


@pytest.mark.parametrize("everything", ["", "/"])
def test_the_root_is_a_target_too(source: Path, tmp_path: Path, everything: str) -> None:
    from flows.pull import pull  # noqa: PLC0415

    pull(str(source), [everything], str(tmp_path / "out"))
    assert files(tmp_path / "out") == files(source)


def test_a_mounted_folder_may_be_linked(source: Path, tmp_path: Path) -> None:
    from flows.pull import pull  # noqa: PLC0415
    from providers.local.storage import Placement  # noqa: PLC0415

    for _ in range(2):
        pull(str(source), ["sub"], str(tmp_path / "out"), placement=Placement.SYMLINK)
        assert (tmp_path / "out" / "b.bin").is_symlink()
        assert (tmp_path / "out" / "b.bin").samefile(source / "sub" / "b.bin")


def test_an_async_pull_gives_the_same_result(source: Path, tmp_path: Path) -> None:
    import asyncio  # noqa: PLC0415

    from flows.pull import pull  # noqa: PLC0415

    result = asyncio.run(pull.aio(str(source), ["sub"], str(tmp_path / "out")))
    assert result.added == 1
    assert files(tmp_path / "out") == {"b.bin": (source / "sub" / "b.bin").read_bytes()}
