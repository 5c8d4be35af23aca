"""What the guides of docs/ tell a reader to do works, block by block, against real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from tests.flows.guide import Reader
from tests.flows.stand_ins import forgetting, gateway_at, put, s3_names, write
from tests.servers.nginx import NginxServer
from tests.servers.openssh import SftpServer
from tests.servers.process import free_ports
from tests.servers.seaweedfs import S3Server


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Delete what a guide stored."""
    yield from forgetting()


def test_getting_started(tmp_path: Path) -> None:
    Reader("getting-started.md", {"/tmp/first": str(tmp_path)}).read()  # noqa: S108 - the page's

    assert not (tmp_path / "copy" / "readme.txt").exists()  # the last sync mirrored again
    assert (tmp_path / "catalog" / "catalog.duckdb").exists()  # where the page said
    copy = f"file://{tmp_path}/copy"
    assert [one.number for one in Catalog.open().versions.all(copy)] == [0, 1, 2, 3, 4]


def test_an_sftp_drop(s3_server: S3Server, sftp_server: SftpServer) -> None:
    put(
        s3_server, "orders", {"outgoing/1.csv": b"1", "outgoing/2.csv": b"2", "outgoing/3.tmp": b""}
    )
    inbox = sftp_server.root / "inbox"
    inbox.mkdir()
    names = s3_names(s3_server) | {
        "keyscan -t ed25519 files.partner.example": f"keyscan -p {sftp_server.port} -t ed25519"
        f" {sftp_server.host}",
        'host="files.partner.example"': f'host="{sftp_server.host}", port={sftp_server.port}',
        'username="acme"': f'username="{sftp_server.user}"',
        'path="/inbox"': f'path="{inbox}"',
        "~/.ssh/partner_ed25519": str(sftp_server.client_key),
        "files.partner.example ssh-ed25519 AAAAC3NzaC1…": str(sftp_server.known_hosts),
    }

    def partner_takes() -> None:
        assert sorted(one.name for one in inbox.glob("*.csv")) == ["1.csv", "2.csv"]
        for one in inbox.glob("*.csv"):
            one.unlink()

    Reader("how-to/partner-drop.md", names).read(before={4: partner_takes})

    assert [*inbox.glob("*.csv")] == []


def test_a_nightly_mirror(nginx_server: NginxServer, tmp_path: Path) -> None:
    tree = nginx_server.root / "data"
    write(tree, {"a.txt": "abc", "sub/b.txt": "b", "sub/c.tmp": "no"})
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tree / "SHA256SUMS").write_text(f"{digest}  a.txt\n")
    names = {"https://mirror.example": nginx_server.http, "/srv/": f"{tmp_path}/"}

    Reader("how-to/mirror-a-web-tree.md", names).read()

    assert (tmp_path / "mirror" / "sub" / "b.txt").read_text() == "b"
    assert not (tmp_path / "mirror" / "sub" / "c.tmp").exists()
    assert (tmp_path / "shown" / "sha256" / digest[:2] / digest[2:]).read_text() == "abc"


def test_model_files(s3_server: S3Server, tmp_path: Path) -> None:
    put(s3_server, "models", {})
    write(tmp_path / "training" / "out", {"mnist/v3/model.bin": "abc", "labels.json": "[]"})
    reader = Reader("how-to/model-files.md", s3_names(s3_server) | {"/srv/": f"{tmp_path}/"})

    reader.read()

    models = tmp_path / "models"
    assert (models / "shared" / "labels.json").exists()
    assert not (models / "mnist").exists()  # purged
    assert reader.here["number"] == 1


def test_audit_and_restore(tmp_path: Path) -> None:
    write(tmp_path / "srv" / "archive", {"2025/may.txt": "turnover: 12", "2024/may.txt": "8"})
    write(tmp_path / "mnt" / "old-copy", {"2025/may.txt": "turnover: 12"})
    write(tmp_path / "srv" / "incoming", {"2026/may.txt": "14"})
    names = {"/srv/": f"{tmp_path}/srv/", "/mnt/": f"{tmp_path}/mnt/"}

    Reader("how-to/audit-and-restore.md", names).read()

    assert (tmp_path / "srv" / "archive" / "2025" / "may.txt").read_text() == "turnover: 12"
    assert not (tmp_path / "srv" / "archive" / "2026").exists()
    assert (tmp_path / "srv" / "statements" / "archive.json").exists()


def test_an_on_demand_cache(
    nginx_server: NginxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (port,) = free_ports(1)
    tree = nginx_server.root / "far"
    write(tree, {"models/a.bin": "a", "readme.txt": "read", "more.txt": "more"})
    (tmp_path / "gateway.yaml").write_text(
        f"tenants: {{default: {{repositories: {{cache: {tmp_path}/cache/}}}}}}"
    )
    names = {
        "https://mirror.example/data/": f"{nginx_server.http}/far/",
        "/srv/": f"{tmp_path}/",
        **gateway_at(port),
    }
    cache = tmp_path / "cache"

    def nothing_yet() -> None:
        assert not cache.exists() or not [one for one in cache.rglob("*.*") if one.is_file()]

    def fetched() -> None:
        assert {one.name for one in cache.glob("**/*.*") if one.is_file()} == {
            "a.bin",
            "readme.txt",
        }

    reader = Reader("how-to/on-demand-cache.md", names)
    reader.read(before={1: nothing_yet, 5: fetched})

    assert reader.here["result"].catalogued == 3  # type: ignore[attr-defined]
    assert not (cache / "more.txt").exists()  # reclaimed


def test_folders_that_runs_are_held_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_LOCAL_ROOTS", "[]")  # the page sets it, and it is put back
    write(tmp_path / "exchange" / "in", {"a": "a"})
    names = {"/srv/": f"{tmp_path}/", "/home/me/": f"{tmp_path}/home/"}

    Reader("security.md", names).read()

    assert not (tmp_path / "home").exists()
