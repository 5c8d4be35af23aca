"""The plug-in of docs/examples, built and installed outside of this tree, found by its name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.flows.guide import blocks
from tests.servers.process import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "shelf"
SYNC = """
import sys
from pathlib import Path
from providers.base import Attributes, OpenOptions
from providers.registry import settings_from_mapping
from blocks.repository import Repository

values = {"type": "shelf", "file": sys.argv[1]}
shelf = Repository(storage=values, path="sub")
print(type(shelf.settings).__module__, shelf.address)
assert shelf.settings == settings_from_mapping({**values, "path": "sub"})
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build its wheel from a copy, and unpack that as an installer does."""
    folder = tmp_path_factory.mktemp("plug-in")
    shutil.copytree(EXAMPLE, folder / "shelf")
    run(folder, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), at=folder / "shelf")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder


def run(folder: Path, *words: str, at: Path) -> str:
    """Run Python with the plug-in beside Entrepot; return what it prints."""
    path = os.pathsep.join([str(folder / "site"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *words],
        cwd=at,
        env={**os.environ, "PYTHONPATH": path, "PREFECT_HOME": str(folder / "prefect")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_passes_the_suite_where_it_is_installed(installed: Path) -> None:
    told = run(
        installed,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "tests",
        at=installed / "shelf",
    )
    assert " passed" in told
    assert "failed" not in told


def test_the_pieces_on_the_page_are_a_suite_that_runs(installed: Path, tmp_path: Path) -> None:
    found = [one for one in blocks("plug-ins.md") if one.reason is None]
    (point,) = (one.code for one in found if one.language == "toml")
    assert point in (EXAMPLE / "pyproject.toml").read_text()
    pieces = [one.code for one in found if "Conformance" in one.code]
    assert len(pieces) == 2
    head = "import pytest\nfrom shelf.settings import ShelfSettings\n"
    (tmp_path / "test_page.py").write_text("\n\n".join([head, *pieces]))

    told = run(
        installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py", at=tmp_path
    )

    assert " passed" in told


def test_a_repository_takes_its_settings(installed: Path, tmp_path: Path) -> None:
    told = run(installed, "-c", SYNC, str(tmp_path / "f.sqlite"), at=tmp_path)
    assert told == f"shelf.settings shelf://{tmp_path}/f.sqlite!sub\n"
