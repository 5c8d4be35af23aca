"""`make demo`, which a newcomer runs first, ends well."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers.process import ROOT


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_the_demonstration_finds_every_byte_right() -> None:
    done = subprocess.run(
        [sys.executable, "docs/demo.py"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name[:8] != "PREFECT_"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it is right." in done.stdout
    assert done.stdout.count(" 0 differ") == 2
