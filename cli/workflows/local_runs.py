"""Rounds: every workflow of a file in one process, each in a thread of its own."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from httpx import HTTPError
from prefect.exceptions import PrefectException

from blocks.local_server import ensure_server
from catalog.errors import Cancelled, CatalogError
from cli.flows.run import Terminated, check_prefect_reachable, stop_on_sigterm
from cli.terminal.exit_codes import ExitCode
from cli.terminal.output import Output
from flows.results.sync import SyncResult
from flows.sync import sync
from flows.workflows.endpoints import WorkflowEndpoint
from flows.workflows.file import Workflow
from providers.base import Attributes
from providers.cache import STORAGES
from tasks.job import stopped_by
from transfer.workers.stop import StopFlag

FAILED = (CatalogError, PrefectException, HTTPError, RuntimeError)
"""What may end a round and not the workflow; Prefect raises RuntimeError where its API is away."""


class WorkflowRunner:
    """What the workflows of one process share: who stops them, and where they tell how it goes."""

    def __init__(self, *, once: bool, output: Output) -> None:
        """Begin with nothing under way."""
        self._once = once
        self._output = output
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._flags: set[StopFlag] = set()

    def stop(self) -> None:
        """Ask every round under way to stop, and let no other begin."""
        self._ended.set()
        with self._lock:
            for flag in self._flags:
                flag.set()

    def go(self, workflow: Workflow) -> bool:
        """Do round after round; return whether the last one went well."""
        while True:
            well = self._round(workflow)
            last = self._once or not workflow.interval_s
            if last or self._ended.wait(workflow.interval_s):
                return well

    def _round(self, workflow: Workflow) -> bool:
        """Do one round, which ends at the latest when the interval is over."""
        flag = StopFlag()
        deadline = threading.Timer(workflow.interval_s, flag.set)
        deadline.daemon = True
        with self._lock:
            self._flags.add(flag)
        if self._ended.is_set():
            flag.set()
        if workflow.interval_s:
            deadline.start()
        try:
            with stopped_by(flag):
                result = synced(workflow)
        except Cancelled:
            over = f"stopped at its deadline of {workflow.interval_s:g} s; the next round goes on"
            self._tell(workflow, "stopped", "stopped" if self._ended.is_set() else over)
            return False
        except FAILED as error:
            self._tell(workflow, "failed", str(error))
            return False
        finally:
            deadline.cancel()
            with self._lock:
                self._flags.discard(flag)
        self._tell(workflow, "completed", result.summary(), *result.untold)
        return True

    def _tell(self, workflow: Workflow, state: str, message: str, *warnings: str) -> None:
        now = datetime.now(UTC)
        if self._output.json:
            told = {"workflow": workflow.name, "ended": now.isoformat(), "state": state}
            line = json.dumps({**told, "message": message, "warnings": warnings})
        else:
            rest = "".join(f"\n  warning: {one}" for one in warnings)
            line = f"{now:%Y-%m-%d %H:%M:%S} {workflow.name}: {state}: {message}{rest}"
        with self._lock:
            if not self._output.quiet or state != "completed" or warnings:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()


def run_all(workflows: Sequence[Workflow], *, once: bool, output: Output) -> ExitCode:
    """Run every workflow until it ends; SIGTERM and Ctrl-C stop the rounds that are under way."""
    if not workflows:
        return ExitCode.WELL
    check_prefect_reachable()
    rounds = WorkflowRunner(once=once, output=output)
    with stop_on_sigterm(), ThreadPoolExecutor(len(workflows)) as threads:
        futures: list[Future[bool]] = []
        try:
            ensure_server()
            futures = [threads.submit(rounds.go, one) for one in workflows]
            wait(futures, return_when=FIRST_EXCEPTION)
        except KeyboardInterrupt as error:
            rounds.stop()
            wait(futures)
            return ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
        finally:
            rounds.stop()  # an error of the program ends all of them
        well = [one.result() for one in futures]
    return ExitCode.WELL if all(well) else ExitCode.FAILED


def synced(workflow: Workflow) -> SyncResult:
    """Sync once, as a workflow says."""
    if workflow.source.passing:
        _fill(workflow.source)
    result: SyncResult = sync(
        workflow.source.place,
        [one.place for one in workflow.destinations],
        webhook=workflow.webhook,
        **workflow.parameters,
    )
    return result


def _fill(source: WorkflowEndpoint) -> None:
    """Put the one file there that the type noop has."""
    if source.repository is not None:
        settings, options = source.repository.settings, source.repository.open_options()
        with STORAGES.open(settings, options) as storage:
            storage.put("noop", b"noop", Attributes())
