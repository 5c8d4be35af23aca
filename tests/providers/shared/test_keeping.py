"""What is special about keeping: links and their traps, servers without links, parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncssh
import pytest
from pydantic import SecretStr

from providers.base import Attributes
from providers.fsspec.settings import FsspecSettings
from providers.interfaces.history import HISTORY, KeepResult, SupportsHistory, history_key
from providers.local.settings import LocalSettings
from providers.local.storage import LocalStorage
from providers.s3 import history as s3_history
from providers.s3.settings import S3Settings
from providers.testing.subject import LARGE, OPTIONS, names, read_all
from tests.providers.trees.test_sftp import settings_of
from tests.servers.openssh import SftpServer
from tests.servers.seaweedfs import S3Server

KEY = history_key("ab" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LocalStorage]:
    storage = LocalSettings(path=str(tmp_path)).open(OPTIONS)
    assert isinstance(storage, LocalStorage)
    storage.put("a", b"old", Attributes())
    yield storage
    assert not list((tmp_path / ".entrepot/tmp").iterdir())


def test_a_local_file_is_kept_by_a_second_name(folder: LocalStorage, tmp_path: Path) -> None:
    before = (tmp_path / "a").stat()
    assert folder.keep(folder.stat("a"), KEY) is KeepResult.KEPT
    assert (tmp_path / HISTORY / KEY).stat().st_ino == before.st_ino
    folder.put("a", b"new", Attributes())
    assert (tmp_path / HISTORY / KEY).read_bytes() == b"old"


def test_a_file_that_can_be_written_by_another_name_is_copied(
    folder: LocalStorage, tmp_path: Path
) -> None:
    os.link(tmp_path / "a", tmp_path / "other")
    assert folder.keep(folder.stat("a"), KEY) is KeepResult.KEPT
    with (tmp_path / "other").open("ab") as file:
        file.write(b"er")
    kept = tmp_path / HISTORY / KEY
    assert kept.read_bytes() == b"old"
    assert kept.stat().st_mtime_ns != (tmp_path / "a").stat().st_mtime_ns


def test_a_file_system_without_links_copies(
    folder: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)  # as vfat answers
    assert folder.keep(folder.stat("a"), KEY) is KeepResult.KEPT
    assert (tmp_path / HISTORY / KEY).read_bytes() == b"old"
    assert (tmp_path / HISTORY / KEY).stat().st_ino != (tmp_path / "a").stat().st_ino


def test_what_lies_in_the_history_in_part_is_made_whole(
    folder: LocalStorage, tmp_path: Path
) -> None:
    (tmp_path / HISTORY / KEY).parent.mkdir(parents=True)
    (tmp_path / HISTORY / KEY).write_bytes(b"ol")
    assert folder.keep(folder.stat("a"), KEY) is KeepResult.KEPT
    assert (tmp_path / HISTORY / KEY).read_bytes() == b"old"


def test_a_symbolic_link_has_nothing_to_keep(folder: LocalStorage, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a")
    assert folder.keep(folder.stat("link"), KEY) is KeepResult.GONE
    assert not (tmp_path / HISTORY / KEY).exists()


def test_a_server_without_links_moves_the_file(
    sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def link(*_: object) -> None:
        raise asyncssh.SFTPOpUnsupported("link not supported")

    root = sftp_server.root / uuid4().hex
    storage = settings_of(sftp_server, root).open(OPTIONS)
    assert isinstance(storage, SupportsHistory)
    storage.put("a", b"old", Attributes())
    standing = storage.stat("a")
    monkeypatch.setattr(asyncssh.SFTPClient, "link", link)
    assert storage.keep(standing, KEY) is KeepResult.KEPT
    assert (root / HISTORY / KEY).read_bytes() == b"old"
    assert names(storage.enumerate()) == []
    assert storage.keep(standing, history_key("00" * 32)) is KeepResult.GONE
    storage.close()


def test_a_very_large_object_is_copied_in_parts(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_history, "MAX_COPY", 2**20)
    monkeypatch.setattr(s3_history, "PART", 6 * 2**20)
    settings = S3Settings(
        bucket=s3_server.bucket,
        prefix=f"keeping/{uuid4().hex}",
        endpoint=s3_server.endpoint,
        access_key_id=s3_server.access_key,
        secret_access_key=SecretStr(s3_server.secret_key),
    )
    storage = settings.open(OPTIONS)
    assert isinstance(storage, SupportsHistory)
    storage.put("large", LARGE, Attributes())
    standing = storage.stat("large")
    assert storage.keep(standing, KEY) is KeepResult.KEPT
    history = settings.below(HISTORY).open(OPTIONS)
    assert history.stat(KEY).size == len(LARGE)
    assert read_all(history, KEY) == LARGE
    storage.remove("large")
    assert storage.keep(standing, history_key("00" * 32)) is KeepResult.GONE
    history.close()
    storage.close()


@pytest.mark.parametrize("url", ["memory://", "memory://x", "file:///tmp/x"])
def test_the_history_of_any_filesystem_has_an_address(url: str) -> None:
    settings = FsspecSettings(url=url).below(HISTORY)
    assert settings.address() == url + ("" if url.endswith("//") else "/") + HISTORY
    settings.open(OPTIONS).close()
