"""A workflow that is skipped is recorded where metrics see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.model.run import SKIPPED
from catalog.settings import Settings
from tests.flows.runs.test_command_line import entrepot

TEXT = """
sources: [{name: s, type: noop}, {name: bad, type: noop, error: "no password=hush"}]
destinations: [{name: d, type: noop}]
workflows:
- {name: good, source: s, destinations: [d], interval: 0}
- {name: ill, source: bad, destinations: [d], interval: 0}
"""


@pytest.mark.prefect
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_skipped_workflow_is_recorded_once_it_is_missed(command: str, tmp_path: Path) -> None:
    file = tmp_path / "nightly.yaml"
    file.write_text(TEXT)

    before = len(Catalog.open(Settings()).runs.all())
    done = entrepot("workflows", command, file, "--no-strict")

    assert done.returncode == 0, done.stderr
    assert "skipped: workflow 'ill'" in done.stderr
    new = Catalog.open(Settings()).runs.all()[: -before or None]
    found = [one for one in new if one.kind == SKIPPED]
    if command == "check":
        assert not found
        return
    (one,) = found
    assert one.message == "the workflow 'ill' of 'nightly' was skipped"
