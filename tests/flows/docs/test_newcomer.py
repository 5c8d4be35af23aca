"""What a newcomer sees: a script of three lines, no server, nothing printed that is not theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
from flows.sync import sync
result = sync({source!r}, [{end!r}])
print(result)
"""


def test_a_script_on_a_temporary_server_prints_no_traceback_and_no_warning(
    source: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(source=str(source), end=str(tmp_path / "end")))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")
    }
    environment["PREFECT_HOME"] = str(tmp_path / "prefect")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout + done.stderr
    for word in ("Traceback", "WARNING", "ERROR", "Error", "CRITICAL"):
        assert word not in printed, printed
    assert "Starting a temporary Prefect server" in done.stderr
    assert "3 added" in done.stdout
    log = (tmp_path / "prefect" / "entrepot-server.log").read_text()
    assert "Error flushing" not in log, "the server was ended before it had recorded everything"
