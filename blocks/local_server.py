"""Prefect's temporary server, for when there is no other: announced, and drained at exit.

It ends with this process, also after a crash or kill -9.

If `PREFECT_API_URL` is set, nothing here does anything. Measured with Prefect 3.8.8: a script that
ends right after a flow loses the last task states and prints tracebacks of the server. So the
server's output goes to a file, and the exit waits until all states are recorded.
"""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import prefect
from prefect import get_client
from prefect.client.base import ServerType, determine_server_type
from prefect.client.schemas.filters import TaskRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, StateType
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_HOME, get_current_settings

from blocks import server_process

START_TIMEOUT_S = 180
DRAIN_TIMEOUT_S = 20.0
PAGE = 200  # Prefect's own limit of one answer
LOG_NAME = "entrepot-server.log"

SERVER_ENVIRONMENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
        "prefect.server.concurrency.lease_storage.filesystem"
    ),
}
"""Settings for a Prefect server that runs Entrepot: 4.5 times less CPU per task run."""

_running: list[object] = []
_logged: set[UUID] = set()
_FINISHED = [*TERMINAL_STATES]
_UNFINISHED = [StateType.PENDING, StateType.RUNNING, StateType.SCHEDULED]


def _quiet_server() -> Any:  # noqa: ANN401 - a class made from Prefect's private one
    """Return Prefect's temporary server, with its output in a file and the settings above."""
    # Importing it takes two seconds of CPU, so it is only done for a temporary server.
    from prefect.server.api.server import SubprocessASGIServer  # noqa: PLC0415

    class QuietServer(SubprocessASGIServer):
        def _run_uvicorn_command(self) -> subprocess.Popen[Any]:
            log = Path(PREFECT_HOME.value()) / LOG_NAME
            log.parent.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-P", server_process.__file__, "uvicorn"]
            command += ["--app-dir", str(Path(prefect.__file__).parent.parent)]
            command += ["--factory", "prefect.server.api.server:create_app"]
            command += ["--host", "127.0.0.1", "--port", str(self.port)]
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

    return QuietServer()


def ensure_server() -> None:
    """Start the temporary server if Prefect would start one anyway, and say so."""
    if determine_server_type() is not ServerType.EPHEMERAL:
        return
    if _running:
        return
    sys.stderr.write(
        "Starting a temporary Prefect server, which takes about ten seconds (twenty the first "
        "time). Set PREFECT_API_URL to use a permanent one.\n"
    )
    logging.getLogger("prefect").addFilter(_is_not_about_the_server)
    logging.getLogger("prefect.task_runs").addFilter(_note_task_run)
    server = _quiet_server()
    server.start(timeout=START_TIMEOUT_S)
    _running.append(server)
    atexit.register(drain)


def _is_not_about_the_server(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(("Starting temporary server", "Stopping temporary"))


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
