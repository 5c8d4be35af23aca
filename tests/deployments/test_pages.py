"""The pages that set up a Prefect server, against one of their own: each command as it stands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from tests.deployments.conftest import ROOT
from tests.flows.guide import Reader
from tests.flows.stand_ins import gateway_at, put, s3_names, stored, write
from tests.flows.sync.test_sync import files
from tests.servers.nginx import NginxServer
from tests.servers.prefect_client import prefect_at
from tests.servers.process import free_ports
from tests.servers.seaweedfs import S3Server

pytestmark = pytest.mark.timeout(400)
NIGHTLY = """
sources: [{name: s, type: noop}]
destinations: [{name: d, type: noop}]
workflows: [{name: w, source: s, destinations: [d], interval: 0}]
"""


@pytest.fixture(autouse=True)
def folder(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Read in a folder of its own, with a catalog of its own, at the module's Prefect server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog" / "catalog.duckdb"))
    monkeypatch.setenv("PREFECT_API_URL", server)
    with prefect_at(server):
        yield tmp_path


def test_the_readme(nginx_server: NginxServer, s3_server: S3Server, folder: Path) -> None:
    tree = write(nginx_server.root / "first", {"readme.txt": "read", "logs/a.txt": "log"})
    stored(folder / "s3-archive", {})
    put(s3_server, "archive", {})
    (port,) = free_ports(1)
    names = {
        "https://mirror.example/data/": f"{nginx_server.http}/first/",
        "/srv/": f"{folder}/srv/",
        **s3_names(s3_server),
        **gateway_at(port),
    }
    reader = Reader("../README.md", names)

    def free_the_name() -> None:
        from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect

        Repository.delete("s3-archive")

    reader.read(before={2: free_the_name})

    assert files(folder / "srv" / "data") == files(tree) == files(folder / "s3-archive")


def test_what_each_flow_does(nginx_server: NginxServer, s3_server: S3Server, folder: Path) -> None:
    tree = write(nginx_server.root / "readme", {"readme.txt": "read", "logs/a.txt": "log"})
    digest = sha256(b"read").hexdigest()
    (tree / "SHA256SUMS").write_text(f"{digest}  readme.txt\n")
    stored(folder / "s3-archive", {}, labels={"tier": "gold"})
    stored(folder / "s3-models", {"mnist/v3/a": "a", "readme.md": "read"})
    write(folder, {"model.bin": "model", "nightly.yaml": NIGHTLY})
    put(s3_server, "archive", {})
    (port,) = free_ports(1)
    names = {
        "https://mirror.example/data/": f"{nginx_server.http}/readme/",
        "/srv/": f"{folder}/srv/",
        "version=7": "version=1",
        **s3_names(s3_server),
        **gateway_at(port),
    }
    reader = Reader("flows.md", names)

    def free_the_name() -> None:
        from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect

        Repository.delete("s3-archive")

    def fill() -> None:
        reader.entrepot(["sync", str(tree), "s3-archive"])

    reader.read(
        before={
            4: lambda: write(tree, {"models/v3.bin": "new"}),
            6: free_the_name,
            8: fill,
        }
    )
    reader.sentences()

    assert files(folder / "models") == {"a": b"a", "docs/readme.md": b"read"}
    assert (folder / "srv" / "data" / "readme.txt").read_text() == "read"
    assert "nightly/logs/a.txt" in s3_server.keys("archive")


def test_the_command_line(nginx_server: NginxServer, folder: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    write(nginx_server.root / "shell", {"logs/a.txt": "log", "b.tmp": "", "c": "c"})
    for name in ("s3-archive", "s3-new"):
        stored(folder / name, {}, labels={"tier": "gold"})
    stored(folder / "s3-models", {"mnist/v3/a": "a", "readme.md": "read"})
    sync(str(write(folder / "in", {"a/new": "new"})), ["s3-new"])
    write(folder, {"fraud.bin": "fraud", "nightly.yaml": NIGHTLY})
    names = {
        "https://mirror.example/data/": f"{nginx_server.http}/shell/",
        "/srv/data 3 7": "/srv/data 0 1",
        "/srv/data 7": "/srv/data 1",
        "--version 7": "--version 1",
        "--at 2026-05-01": "--at 2100-01-01",
        "/srv/": f"{folder}/srv/",
    }
    reader = Reader("command-line.md", names)

    reader.read()
    reader.sentences()

    assert files(folder / "s3-archive")["a/new"] == b"new"
    assert files(folder / "models") == {"a": b"a", "readme.md": b"read"}
    version = Catalog.open().versions.get(f"file://{folder}/srv/data", 1)
    assert version.labels == {"stage": "gold"}


def test_operating(server: str, folder: Path) -> None:
    (port,) = free_ports(1)
    shutil.copy(ROOT / "deployments" / "automations.yaml", folder / "own.yaml")
    write(folder, {"etc/gateway.yaml": "tenants: {default: {repositories: {}}}"})
    write(folder / "srv", {"archive/a": "a", "models/b": "b"})
    names = {
        "http://prefect.example:4200/api": server,
        "/etc/entrepot/": f"{folder}/etc/",
        "--automations FILE": "--automations own.yaml",
        "/var/backups/": f"{folder}/backups/",
        "/srv/": f"{folder}/srv/",
        **gateway_at(port),
    }
    reader = Reader("operating.md", names)

    reader.read()
    reader.sentences()
