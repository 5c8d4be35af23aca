"""Prune removes what killed runs left and what no version needs, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.digest import Digest
from catalog.model.plan import Mode
from providers.base import ProviderSettings
from providers.fsspec.settings import FsspecSettings
from providers.ftp.settings import FtpSettings
from providers.local.settings import LocalSettings
from providers.shared.temporary_names import temporary_path_for
from providers.webdav.settings import WebdavSettings
from tests.flows.sync.test_sync import bucket, files
from tests.providers.trees import test_ftp, test_sftp
from tests.servers.ftp import FtpServer
from tests.servers.openssh import SftpServer
from tests.servers.seaweedfs import S3Server
from tests.servers.vsftpd import vsftpd
from tests.servers.webdav import WebdavServer


def test_temporary_files_go_when_they_are_old(source: Path, tmp_path: Path) -> None:
    from flows.prune import prune  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    folder = end / ".entrepot" / "tmp"
    (folder / "old").write_text("of a killed run")
    (folder / "new").write_text("of a run at work")
    long_ago = time.time() - 2 * 86_400
    os.utime(folder / "old", (long_ago, long_ago))

    told = prune(str(end), dry_run=True)
    assert [one.names for one in told.pruned if one.names] == [("old",)]
    assert "would be removed" in str(told)
    assert (folder / "old").exists()

    assert prune(str(end)).bytes == len("of a killed run")
    assert sorted(one.name for one in folder.iterdir()) == ["new"]
    assert files(end) == files(source)
    assert not prune(str(end)), "a second time there is nothing to prune"


def folder_of(
    kind: str, request: pytest.FixtureRequest, local: Path
) -> tuple[ProviderSettings, Path]:
    """Return settings that lead to an empty folder at a server of a kind, and that folder."""
    name = uuid4().hex
    if kind == "sftp":
        sftp: SftpServer = request.getfixturevalue("sftp_server")
        return test_sftp.settings_of(sftp, sftp.root / name), sftp.root / name
    if kind == "ftp":
        ftp: FtpServer = request.getfixturevalue("ftp_server")
        return test_ftp.settings_of(ftp, name), ftp.root / name
    if kind == "webdav":
        dav: WebdavServer = request.getfixturevalue("webdav_server")
        url, password = f"{dav.url}/{name}", SecretStr(dav.password)
        return WebdavSettings(url=url, username=dav.user, password=password), dav.root / name
    if kind == "fsspec":
        return FsspecSettings(url=f"file://{local / name}"), local / name
    return LocalSettings(path=str(local / name)), local / name


@pytest.mark.parametrize("kind", ["local", "sftp", "ftp", "webdav", "fsspec"])
def test_temporary_files_beside_others_go_too(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.prune import prune  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    settings, root = folder_of(kind, request, tmp_path)
    (root / "in").mkdir(parents=True)
    (root / "in" / "a").write_text("a")
    old, new = (root / "in" / Path(temporary_path_for("a")).name for _ in range(2))
    for file in (old, new):
        file.write_text("half")
    long_ago = time.time() - 2 * 86_400
    os.utime(old, (long_ago, long_ago))
    end = Repository(storage=settings)

    assert [one.names for one in prune(end).pruned if one.names] == [(f"in/{old.name}",)]
    assert {one.name for one in (root / "in").iterdir()} == {"a", new.name}
    sync(end, [str(tmp_path / "copy")])
    assert files(tmp_path / "copy") == {"in/a": b"a"}


def test_a_drop_folder_that_may_not_be_listed_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.prune import prune  # noqa: PLC0415

    with vsftpd(None) as server:
        (server.root / "pub").chmod(0o333)
        settings = FtpSettings(host=server.host, port=server.port, path="pub")
        assert not prune(Repository(storage=settings))
    assert "nothing was removed there" in caplog.text


def test_unfinished_uploads_of_a_bucket_are_given_up(s3_server: S3Server, source: Path) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.prune import prune  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = repository(bucket(s3_server, "pruned"))  # type: ignore[arg-type]
    sync(str(source), [end])
    filesystem: Any = end.settings.filesystem()
    where = {"Bucket": s3_server.bucket, "Key": "pruned/half"}
    filesystem.call_s3("create_multipart_upload", **where)

    assert not prune(end), "it is young"
    result = prune(end, protect_hours=0)

    assert ("half",) in [one.names for one in result.pruned]
    reply = filesystem.call_s3("list_multipart_uploads", Bucket=s3_server.bucket, Prefix="pruned/")
    assert not reply.get("Uploads")


def test_history_goes_when_no_version_needs_it(tmp_path: Path, catalog: Catalog) -> None:
    from flows.prune import prune  # noqa: PLC0415
    from flows.restore import restore  # noqa: PLC0415
    from flows.retain import retain  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    source.mkdir()
    for text in ("first", "second", "third"):
        (source / "a").write_text(text)
        sync(str(source), [str(end)], mode=Mode.MIRROR)
    history = end / ".entrepot" / "history"

    def kept() -> set[str]:
        return {one.read_text() for one in history.rglob("*") if one.is_file()}

    assert kept() == {"first", "second"}
    assert not prune(str(end), protect_hours=0), "every version needs its bytes"

    retain(str(end), 2)
    assert not prune(str(end)), "and what is young is protected"
    assert prune(str(end), protect_hours=0).bytes == len("first")
    assert kept() == {"second"}
    restore(str(end), version=2)
    assert files(end) == {"a": b"second"}
    assert not catalog.holdings.locations(
        "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"
    )


def test_old_records_go_and_versions_stay(source: Path, tmp_path: Path, catalog: Catalog) -> None:
    from flows.prune import prune  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    result = sync(str(source), [str(end)])
    sync(str(source), [str(end)])
    before = list(catalog.versions.content(f"file://{end}"))

    assert prune(str(end)).rows == 0, "they are young"
    assert prune(str(end), records_days=0).rows > 0
    assert catalog.runs.outcomes(result.run_id) == []
    assert list(catalog.versions.content(f"file://{end}")) == before
    assert catalog.runs.get(result.run_id).state == "completed", "it made a version"
    assert not sync(str(source), [str(end)]).changed


def test_a_protection_below_nothing_is_refused(tmp_path: Path) -> None:
    from flows.prune import prune  # noqa: PLC0415

    with pytest.raises(InvalidInput, match="cannot be negative"):
        prune(str(tmp_path), protect_hours=-1)


@pytest.mark.parametrize("layout", ["path", "content", "versioned"])
def test_only_bytes_of_chosen_digests_go(tmp_path: Path, layout: str) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.prune import prune  # noqa: PLC0415
    from flows.retain import retain  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, root = tmp_path / "source", tmp_path / "end"
    storage = {"type": "local", "path": str(root)}
    end = Repository.model_validate({"storage": storage, "layout": layout})
    source.mkdir()
    for text in ("first", "second", "third"):
        (source / "a").write_text(text)
        sync(str(source), [end], mode=Mode.MIRROR)
    retain(end, 1)

    def there() -> set[str]:
        files = (one for one in root.rglob("*") if one.is_file() and one.name != "current")
        return {one.read_text() for one in files}

    first, third = (str(Digest.of(text)) for text in (b"first", b"third"))
    assert not prune(end, digests=[first]), "what is young is protected"
    assert prune(end, protect_hours=0, digests=[first, third], dry_run=True).bytes == len("first")
    assert prune(end, protect_hours=0, digests=[first, third]).bytes == len("first")
    assert there() == {"second", "third"}
    assert prune(end, protect_hours=0).bytes == len("second")
    assert there() == {"third"}


@pytest.mark.parametrize("digests", [[], ["no digest"], ["md5:" + "0" * 32]])
def test_digests_that_name_nothing_are_refused(tmp_path: Path, digests: list[str]) -> None:
    from flows.prune import prune  # noqa: PLC0415

    with pytest.raises(InvalidInput, match=r"digest|sha256"):
        prune(str(tmp_path), digests=digests)
