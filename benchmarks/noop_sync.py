"""What a sync of nothing costs, beside a flow that does nothing at all.

    python benchmarks/noop_sync.py                  five rounds, about four minutes
    python benchmarks/noop_sync.py --rounds 9 call

A hundred files are equal at source and destination. Each way (a warm call in Python, the command
line, a run of a deployment on a process worker) is taken in turn with both flows, again and again;
printed are medians of wall and CPU seconds and the ratio of each to the empty flow's. A Prefect
server and a worker are started here; the CPU of the server is not counted, nor what the worker
takes between runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT)]

import psutil
from sync import BIN, prefect_server

FILES = 100
POOL = "nothing"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one turn took, in seconds."""

    wall_s: float
    cpu_s: float


Turn = Callable[[], Figures]


def called(function: Callable[[], object]) -> Turn:
    """Call a function in this process."""

    def turn() -> Figures:
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        return Figures(time.perf_counter() - wall, time.process_time() - cpu)

    return turn


def started(*command: str) -> Turn:
    """Run a command to its end; its children count."""

    def turn() -> Figures:
        wall = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{command} failed")
        return Figures(time.perf_counter() - wall, usage.ru_utime + usage.ru_stime)

    return turn


def dispatched(name: str, parameters: dict[str, object], worker: psutil.Process) -> Turn:
    """Run a deployment on the worker; all that the worker starts counts."""
    from prefect.deployments import run_deployment

    def taken() -> float:
        used = worker.cpu_times()
        return used.children_user + used.children_system

    def turn() -> Figures:
        wall, cpu = time.perf_counter(), taken()
        run = run_deployment(name, parameters=parameters, poll_interval=0.2, _sync=True)
        wall_s = time.perf_counter() - wall
        if not run.state.is_completed():
            raise SystemExit(f"{name}: {run.state}")
        while worker.children(recursive=True):
            time.sleep(0.1)
        return Figures(wall_s, taken() - cpu)

    return turn


@contextmanager
def using(url: str) -> Generator[None]:
    """Use a server that runs already, here and in what is started from here."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    os.environ["PREFECT_API_URL"] = url
    with temporary_settings({PREFECT_API_URL: url}):
        yield


@contextmanager
def worker_of(place: Path) -> Generator[psutil.Process]:
    """Deploy both flows and run a worker that looks every second."""
    from noop_flow import plain
    from prefect.flows import EntrypointType

    from flows.sync import sync

    prefect = str(BIN / "prefect")
    subprocess.run([prefect, "work-pool", "create", POOL, "--type", "process"], check=True)
    environment = {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
    for flow in (sync, plain):
        flow.to_deployment(
            POOL,
            work_pool_name=POOL,
            entrypoint_type=EntrypointType.MODULE_PATH,
            job_variables={"env": environment, "working_dir": str(ROOT)},
            _sync=True,
        ).apply(_sync=True)
    with (place / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [prefect, "worker", "start", "--pool", POOL, "--type", "process"],
            env={**os.environ, "PREFECT_WORKER_QUERY_SECONDS": "1"},
            stdout=log,
            stderr=log,
        )
    try:
        yield psutil.Process(worker.pid)
    finally:
        worker.terminate()
        worker.wait()


def compared(rounds: int, ways: dict[str, dict[str, Turn]]) -> None:
    """Take every turn once unmeasured, then so many rounds, and print the medians."""
    print(f"| way | flow | wall | CPU |  (medians of {rounds}, and the ratio to the empty flow)")
    for way, turns in ways.items():
        for turn in turns.values():
            turn()
        taken: dict[str, list[Figures]] = {name: [] for name in turns}
        for _ in range(rounds):
            for name, turn in turns.items():
                taken[name].append(turn())
        floor: Figures | None = None
        for name, figures in taken.items():
            wall = statistics.median(one.wall_s for one in figures)
            cpu = statistics.median(one.cpu_s for one in figures)
            floor = floor or Figures(wall, cpu)
            print(
                f"| {way} | {name} | {wall:.2f} s ({wall / floor.wall_s:.2f}) "
                f"| {cpu:.2f} s ({cpu / floor.cpu_s:.2f}) |",
                flush=True,
            )


def main() -> None:
    """Measure the ways that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ways", nargs="*", default=["call", "shell", "worker"])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nothing-") as folder:
        place = Path(folder)
        source, end = place / "source", str(place / "end")
        source.mkdir()
        for number in range(FILES):
            (source / f"{number}.txt").write_text(f"{number}\n" * 100)
        os.environ |= {
            "PREFECT_HOME": str(place / "home"),
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "ENTREPOT_CATALOG": str(place / "catalog.duckdb"),
            "PYTHONPATH": str(ROOT),
        }
        with ExitStack() as stack:
            url = stack.enter_context(prefect_server(place, dict(os.environ)))
            stack.enter_context(using(url))
            from noop_flow import idle, plain

            from flows.sync import sync

            sync(str(source), [end])
            ways: dict[str, dict[str, Turn]] = {}
            if "call" in given.ways:
                ways["call"] = {
                    "empty": called(idle),
                    "empty, plain Prefect": called(plain),
                    "sync of nothing": called(lambda: sync(str(source), [end])),
                }
            if "shell" in given.ways:
                ways["shell"] = {
                    "empty": started(sys.executable, str(HERE / "noop_flow.py")),
                    "sync of nothing": started(
                        sys.executable, "-m", "cli", "sync", str(source), end
                    ),
                }
            if ways:
                compared(given.rounds, ways)
            if "worker" in given.ways:
                with worker_of(place) as worker:
                    parameters: dict[str, object] = {"source": str(source), "destinations": [end]}
                    turns = {
                        "empty": dispatched(f"plain/{POOL}", {}, worker),
                        "sync of nothing": dispatched(f"sync/{POOL}", parameters, worker),
                    }
                    compared(given.rounds, {"worker": turns})


if __name__ == "__main__":
    main()
