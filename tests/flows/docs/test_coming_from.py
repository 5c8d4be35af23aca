"""The commands on the pages for those who come from another tool: each is run, in its order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from tests.flows.guide import Reader
from tests.flows.stand_ins import forgetting, stored, sync_deployed, write
from tests.flows.sync.test_sync import files
from tests.servers.nginx import NginxServer

NIGHTLY = """
sources: [{name: s, type: local, path: {folder}/in}]
destinations: [{name: d, type: local, path: {folder}/out}]
workflows: [{name: from-ingest, source: s, destinations: [d], interval: 0}]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Read in a folder of its own, and delete afterwards what was stored."""
    monkeypatch.chdir(tmp_path)
    for _ in forgetting():
        yield tmp_path


def test_from_ingest(folder: Path) -> None:
    write(folder / "in", {"a": "a"})
    (folder / "nightly.yaml").write_text(NIGHTLY.replace("{folder}", str(folder)))

    with sync_deployed("from-ingest"):
        Reader("coming-from/ingest.md", {"doctor": "doctor --no-connect"}).sentences()

    assert files(folder / "out") == {"a": b"a"}


def test_from_pullman(folder: Path) -> None:
    stored(folder / "name", {"path/a": "a", "mnist/b": "b", "_kept": "k"})
    reader = Reader("coming-from/pullman.md", {" dir": " ./dir"})

    def more() -> None:
        assert not (folder / "dir" / "path").exists()
        reader.entrepot(["pull", "name", "mnist", "--directory", "./dir"])

    reader.sentences({"entrepot purge dir mnist": more})

    assert not (folder / "dir" / "mnist").exists()


def test_from_pulp(nginx_server: NginxServer, folder: Path) -> None:
    tree = write(nginx_server.root / "from-pulp", {"old/model.bin": "old", "new.bin": "new"})
    lines = (
        f"{one},{hashlib.sha256((tree / one).read_bytes()).hexdigest()},3\n"
        for one in ("old/model.bin", "new.bin")
    )
    (tree / "PULP_MANIFEST").write_text("".join(lines))
    stored(folder / "there", {"old/model.bin": "1"})
    stored(folder / "here", {})
    reader = Reader(
        "coming-from/pulp.md", {"https://mirror.example/data": f"{nginx_server.http}/from-pulp"}
    )

    def once_more() -> None:
        write(folder / "there", {"old/model.bin": "22"})
        reader.entrepot(["sync", "there", "here"])

    reader.sentences({"entrepot ls here --version 3": once_more})

    assert [one.number for one in Catalog.open().versions.all(f"file://{folder}/here")] == [
        0,
        1,
        2,
        4,
    ]


def test_from_punch(folder: Path) -> None:
    stored(folder / "elsewhere", {"a": "a"})
    stored(folder / "here", {})
    write(folder, {"f": "it is may"})
    reader = Reader("coming-from/punch.md", {"put f": "put ./f"})

    def thrice_more() -> None:
        for _ in range(3):
            reader.entrepot(["put", "./f", "my/resource.txt"])

    reader.sentences({"entrepot get my/resource.txt --version 3": thrice_more})

    assert files(folder / "here") == {}
    assert "my/resource.txt" in reader.printed


def test_from_rclone(folder: Path) -> None:
    held = {"path/a": "a", "other/path/b": "b"}
    write(folder / "A", held)

    def again() -> None:
        assert files(folder / "A") == {}
        write(folder / "A", held)

    names = {f" {one}": f" ./{one}" for one in "ABC"} | {"RUN_ID path": "RUN_ID new"}
    Reader("coming-from/rclone.md", names).sentences(
        {
            "entrepot sync A B C": again,
            "entrepot plan A B": lambda: write(folder / "A", {"new": "n"}),
        }
    )

    assert files(folder / "C").keys() == held.keys()
