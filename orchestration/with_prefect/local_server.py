"""Prefect's temporary server, for when there is no other: announced, and drained at exit.

If `PREFECT_API_URL` is set, nothing here does anything. Measured with Prefect 3.8.8, whose own
temporary server this replaces: a script that ends right after a flow loses the last task states and
prints tracebacks of the server; the script imports the server, for 7 s of CPU, and never uses it;
and after kill -9 the server stays. Here its output goes to a file, the exit waits until all states
are recorded, nothing of it is imported, and it ends with this process however that ends.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import httpx
import prefect
from prefect import get_client
from prefect.client.base import ServerType, determine_server_type
from prefect.client.schemas.filters import TaskRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, StateType
from prefect.context import refresh_global_settings_context
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_HOME, get_current_settings

from catalog.errors import CatalogError
from orchestration.server_environment import SERVER_ENVIRONMENT
from orchestration.with_prefect import server_process

START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 5
DRAIN_TIMEOUT_S = 20.0
PORTS = 3  # tried, since another process may take a free one first
PAGE = 200  # Prefect's own limit of one answer
LOG_NAME = "entrepot-server.log"

_running: list[subprocess.Popen[bytes]] = []
_logged: set[UUID] = set()
_FINISHED = [*TERMINAL_STATES]
_UNFINISHED = [StateType.PENDING, StateType.RUNNING, StateType.SCHEDULED]


class ServerNotStarted(CatalogError, RuntimeError):
    """Prefect's temporary server did not start."""


def ensure_server() -> None:
    """Start a temporary server if Prefect would start one anyway, and say so.

    The rest of this process, and processes that it starts, find it by `PREFECT_API_URL`.

    Raises:
        ServerNotStarted: it ended at once, or did not answer within `START_TIMEOUT_S`.
    """
    if determine_server_type() is not ServerType.EPHEMERAL or _running:
        return
    sys.stderr.write(
        "Starting a temporary Prefect server, which takes about ten seconds (twenty the first "
        "time). Set PREFECT_API_URL to use a permanent one.\n"
    )
    log = Path(PREFECT_HOME.value()) / LOG_NAME
    url = _start(log, time.monotonic() + START_TIMEOUT_S)
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()
    logging.getLogger("prefect.task_runs").addFilter(_note_task_run)
    atexit.register(_stop)
    atexit.register(drain)  # before the stop: the last registered is the first called


def _start(log: Path, deadline: float) -> str:
    """Start the server on a free port, wait until it answers, and return its API's URL."""
    for _ in range(PORTS):
        port = _free_port()
        url = f"http://127.0.0.1:{port}/api"
        server = _start_process(port, log)
        with httpx.Client(trust_env=False) as client:
            while server.poll() is None and time.monotonic() < deadline:
                with suppress(httpx.TransportError):
                    if client.get(f"{url}/health").is_success:
                        _running.append(server)
                        return url
                time.sleep(0.05)
        if server.poll() is None:
            server.kill()
            server.wait()
            break
    why = f"did not start within {START_TIMEOUT_S} s, or ended at once"
    raise ServerNotStarted(f"Prefect's temporary server {why}; its log is {str(log)!r}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start_process(port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start the server, with its output in a file and the settings above."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", server_process.__file__, "uvicorn"]
    command += ["--app-dir", str(Path(prefect.__file__).parent.parent)]
    command += ["--factory", "prefect.server.api.server:create_app"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--log-level", "error", "--lifespan", "on"]
    environment = {
        **SERVER_ENVIRONMENT,
        **os.environ,
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        **get_current_settings().to_environment_variables(exclude_unset=True),
    }
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            env=environment,
            stdin=subprocess.PIPE,  # closed when this process ends, however it does
            stdout=output,
            stderr=output,
        )


def _stop() -> None:
    for server in _running:
        server.terminate()
        try:
            server.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _note_task_run(record: logging.LogRecord) -> bool:
    if found := getattr(record, "task_run_id", None):
        _logged.add(UUID(str(found)))
    return True


def drain() -> None:
    """Wait until the temporary server has recorded the end of every task run.

    A task run that the server has not heard of yet is not among its unfinished ones, so those that
    this process logged are asked for by id as well.
    """
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    EventsWorker.drain_all(timeout=DRAIN_TIMEOUT_S)
    unfinished = TaskRunFilter.model_validate({"state": {"type": {"any_": _UNFINISHED}}})
    missing = set(_logged)
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            ended = TaskRunFilter.model_validate(
                {"id": {"any_": [*missing][:PAGE]}, "state": {"type": {"any_": _FINISHED}}}
            )
            if missing:
                missing -= {run.id for run in client.read_task_runs(task_run_filter=ended)}
            elif not client.read_task_runs(task_run_filter=unfinished, limit=1):
                break
            time.sleep(0.1)
