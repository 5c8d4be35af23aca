"""Prefect is loaded with the garbage collector paused, and the collector is as before then."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import gc, json
{before}
import blocks
print(json.dumps([gc.isenabled(), gc.get_freeze_count() > 100_000]))
"""


@pytest.mark.parametrize(("before", "on"), [("", True), ("gc.disable()", False)])
def test_the_collector_is_as_it_was(before: str, *, on: bool) -> None:
    """Nobody's own choice about the collector is changed."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ended.stdout) == [on, True]
