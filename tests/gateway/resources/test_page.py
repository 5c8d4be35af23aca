"""The page docs/resources.md: each line of its examples is run."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.flows.guide import blocks
from tests.gateway.conftest import serving

METADATA = "{type: model, group: org.acme, artifact: scorer, version: 1.0}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in which the page's files lie."""
    with zipfile.ZipFile(tmp_path / "scorer.zip", "w") as package:
        package.writestr("metadata.yml", METADATA)
    return tmp_path


def test_every_example_does_what_it_says(folder: Path) -> None:
    with serving(folder, tenants={"acme": {"repositories": {}}}) as running:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ENTREPOT_CATALOG": str(folder / "catalog" / "catalog.duckdb"),
            "ENTREPOT_TENANT": "acme",
            "GATEWAY": running.url,
        }
        lines = [line for one in blocks("resources.md") for line in one.code.splitlines()]
        assert len(lines) > 15
        for line in lines:
            done = subprocess.run(
                ["bash", "-c", f"set -eo pipefail; {line}"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
        assert (folder / "again.zip").read_bytes() == (folder / "scorer.zip").read_bytes()
        assert (folder / "first.json").read_text() == '{"layers": 3}\n'
