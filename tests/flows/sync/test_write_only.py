"""A provider that can only be written, found by its entry point: a drop that nobody reads back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.process import ROOT

DROP = '''
from typing import Literal

from pydantic import Field

from catalog.errors import NotSupported
from providers.base import OpenOptions, ProviderSettings
from providers.connection import NoConnection, keep_open
from providers.local.storage import LocalStorage


class DropSettings(ProviderSettings, title="Drop"):
    """A folder into which files are dropped."""

    type: Literal["drop"] = Field(default="drop", title="Type", description="A drop.")
    path: str = Field(title="Folder", description="The folder.")

    @classmethod
    def from_url(cls, url):
        return cls(path=url.removeprefix("drop://"))

    def address(self):
        return "drop://" + self.path

    def connection_key(self):
        return ()

    def connect(self, options):
        return NoConnection()

    def storage(self, connection, options, *, on_close=keep_open):
        return Drop(self.path)


class Drop:
    """Takes files, and tells of them; it never gives one back."""

    def __init__(self, path):
        self._folder = LocalStorage(path)
        self.capabilities = self._folder.capabilities

    def __getattr__(self, name):
        if name in ("check_name", "enumerate", "stat", "put", "write", "remove", "close"):
            return getattr(self._folder, name)
        raise AttributeError(name)

    def fetch(self, path, *, etag=None):
        raise NotSupported(f"{path!r} cannot be read: it was dropped", path=path)

    def read(self, path, *, etag=None, start=0, length=None):
        raise NotSupported(f"{path!r} cannot be read: it was dropped", path=path)
'''
RUN = """
import sys
from pathlib import Path
from blocks.repository import Repository
from flows.sync import sync

source, target = Path(sys.argv[1]), Path(sys.argv[2])
drop = Repository(storage={"type": "drop", "path": str(target)}, history={"keep": False})
first = sync(str(source), [drop])
again = sync(str(source), [drop])
(source / "a").write_text("changed")
third = sync(str(source), [drop])
print(first.added, again.added, again.replaced, third.replaced, third.failed)
"""


@pytest.mark.prefect
def test_files_are_dropped_and_replaced(tmp_path: Path) -> None:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - imports Prefect

    site = tmp_path / "site"
    info = site / "drop_only-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "drop_only.py").write_text(DROP)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: drop-only\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[entrepot.providers]\ndrop = drop_only:DropSettings\n")
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "a").write_text("one")
    (source / "b").write_text("two")
    done = subprocess.run(
        [sys.executable, "-c", RUN, source, target],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["2", "0", "0", "1", "0"]
    assert (target / "a").read_text() == "changed"
    assert (target / "b").read_text() == "two"
