"""Resident memory of a process that lives for weeks: run after run of the flow in it.

    python benchmarks/memory_growth.py [RUNS]

Each run syncs a folder of 20 files of which one is new. Printed are the resident memory (VmRSS)
after every 50 runs and what each run added since the first 50, in which caches fill.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from rss import now_mib
from sync import prefect_server

STEP = 50


def run(runs: int, place: Path) -> None:
    """Sync again and again in this process, and look."""
    from flows.sync import sync

    source = place / "source"
    source.mkdir()
    for number in range(20):
        (source / f"f{number}").write_text(str(number))
    began_s, first = time.perf_counter(), 0.0
    for number in range(runs + STEP + 1):
        if number and number % STEP == 0:
            now = now_mib()
            first = first or now
            each = 1024 * (now - first) / max(number - STEP, 1)
            took_s = time.perf_counter() - began_s
            sys.stdout.write(
                f"{number:4} runs  {took_s:6.0f} s  {now:6.1f} MiB  "
                f"{each:6.1f} KiB a run since the first {STEP}\n"
            )
            sys.stdout.flush()
        (source / f"f{number % 20}").write_text(f"{number} {number}")
        sync(str(source), [str(place / "end")])


def main() -> None:
    """Start a server, and the process that is looked at."""
    runs = sys.argv[1] if len(sys.argv) > 1 else "500"
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="entrepot-bench-")))
        environment = {
            **os.environ,
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "ENTREPOT_CATALOG": str(place / "catalog.duckdb"),
            "PYTHONPATH": str(HERE.parent),
        }
        environment["PREFECT_API_URL"] = stack.enter_context(prefect_server(place, environment))
        command = [sys.executable, __file__, "--run", runs, str(place)]
        subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
