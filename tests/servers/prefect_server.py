"""Prefect's server as we ship it, as a process, with a log that must hold no error."""

from __future__ import annotations

import itertools
import re
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import psutil

from tests.servers.postgres import Postgres, postgres
from tests.servers.process import free_ports, listens, running

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
BAD = ("| ERROR", "| CRITICAL", "Traceback (most recent call last)", "ERROR:")
BEGINS = re.compile(r"^\d\d:\d\d:\d\d\.\d+ \| ", re.MULTILINE)
RETRIED = "(sqlite3.OperationalError) database is locked"
"""What Prefect does again by itself over SQLite; PostgreSQL, which we ship, never says it."""
SOON = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT1S",
}
"""How often Prefect's services look, so that a test need not wait for a minute."""


@dataclass(frozen=True, slots=True)
class PrefectServer:
    """A server that runs: the URL of its API, its log, and its database where that is another."""

    api: str
    log: Path
    database: Postgres | None = None

    def errors(self) -> list[str]:
        """Return every record of its log that tells of an error."""
        text = self.log.read_text(errors="replace")
        starts = [0, *(one.start() for one in BEGINS.finditer(text)), len(text)]
        records = [text[start:end] for start, end in itertools.pairwise(starts)]
        bad = [one for one in records if any(word in one for word in BAD)]
        return [one for one in bad if RETRIED not in one]


@contextmanager
def prefect_server(folder: Path, **settings: str) -> Generator[PrefectServer]:
    """Run a server while the block lasts; fail at its end where its log holds an error."""
    from orchestration.server_environment import SERVER_ENVIRONMENT  # noqa: PLC0415 - imports Prefect

    (port,) = free_ports(1)
    words = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
    environment = {**SERVER_ENVIRONMENT, "PREFECT_HOME": str(folder), "PREFECT_UI_ENABLED": "0"}
    log = folder / "server.log"
    with running(
        [sys.executable, "-m", "prefect", *words],
        lambda: listens(port),
        log=log,
        environment={**environment, **settings},
        start_s=240,
    ):
        server = PrefectServer(f"http://127.0.0.1:{port}/api", log)
        yield server
        found = server.errors()  # before it ends: what it breaks off then is no fault of ours
        assert not found, "Prefect's server logged errors:\n" + "\n".join(found)[:20000]


@contextmanager
def prefect_over_postgres(folder: Path, **settings: str) -> Generator[PrefectServer]:
    """Run a server over PostgreSQL, as `deployments/compose.yaml` does."""
    names = {"POSTGRES_USER": "prefect", "POSTGRES_PASSWORD": "prefect", "POSTGRES_DB": "prefect"}
    with postgres(folder / "postgres.log", names) as database:
        url = f"postgresql+asyncpg://prefect:prefect@127.0.0.1:{database.port}/prefect"
        more = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url, **settings}
        with prefect_server(folder, **more) as server:
            yield replace(server, database=database)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that runs: its process, and what it and its runs print."""

    pid: int
    log: Path

    def kill(self) -> None:
        """Kill it together with the runs it has taken, as when a machine is gone."""
        one = psutil.Process(self.pid)
        for process in (one, *one.children(recursive=True)):
            process.kill()


@contextmanager
def worker(api: str, folder: Path, pool: str = "entrepot", **settings: str) -> Generator[Worker]:
    """Run a worker of a pool while the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    log = folder / "worker.log"
    words = ("worker", "start", "--pool", pool, "--type", "process")
    with running(
        [sys.executable, "-m", "prefect", *words],
        lambda: "started!" in log.read_text(errors="replace"),
        log=log,
        environment=environment,
        start_s=240,
    ) as process:
        yield Worker(process.pid, log)


def until(ask: Callable[[], T], what: str, seconds: float = 900) -> T:
    """Ask again and again until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.25)
    return answer
