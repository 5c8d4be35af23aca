"""The temporary Prefect server, seen from the process that needed it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, time
from orchestration.with_prefect.local_server import ensure_server
ensure_server()
print("ready", flush=True)
{then}
"""


@pytest.mark.parametrize("then", ["time.sleep(600)", "os._exit(3)"])
def test_the_server_ends_with_its_process_however_that_ends(tmp_path: Path, then: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")
    }
    environment["PREFECT_HOME"] = str(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(then=then)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if "sleep" in then:
            assert servers(tmp_path), "the server lives as long as its process"
            process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    deadline = time.monotonic() + 120
    while servers(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not servers(tmp_path)


def servers(home: Path) -> list[int]:
    """Return the pids of Prefect servers whose home is this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if b"create_app" in command and f"PREFECT_HOME={home}".encode() in environment:
            found.append(int(process.name))
    return found
