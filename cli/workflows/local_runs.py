"""Run every workflow of a file in one process, each in its own thread."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

from catalog.errors import Cancelled, CatalogError
from catalog.formats.quantities import format_duration
from cli.flows.run import Terminated, stop_on_sigterm
from cli.flows.server import API_ERRORS, check_prefect_reachable, ensure_server
from cli.terminal.exit_codes import ExitCode
from cli.terminal.output import Output
from cli.terminal.table import format_time
from flows.results.sync import SyncResult
from flows.sync import sync
from flows.workflows.endpoints import WorkflowEndpoint
from flows.workflows.file import Workflow
from providers.base import Attributes
from providers.connection_cache import STORAGES
from tasks.job import stopped_by
from transfer.workers.stop import StopFlag

ROUND_ERRORS: tuple[type[Exception], ...] = (CatalogError, RuntimeError, *API_ERRORS)
"""Errors that end a round but not the workflow; Prefect raises RuntimeError if its API is down."""


class WorkflowRunner:
    """Runs workflows round after round; shared by the threads of one process."""

    def __init__(self, *, once: bool, output: Output) -> None:
        """Begin without any workflow; with `once`, each runs for one round only."""
        self._once = once
        self._output = output
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._flags: set[StopFlag] = set()

    def stop(self) -> None:
        """Stop every round in progress, and let no other begin."""
        self._ended.set()
        with self._lock:
            for flag in self._flags:
                flag.set()

    def run(self, workflow: Workflow) -> bool:
        """Run round after round; return whether the last one succeeded."""
        while True:
            succeeded = self._run_round(workflow)
            last = self._once or not workflow.interval_s
            if last or self._ended.wait(workflow.interval_s):
                return succeeded

    def _run_round(self, workflow: Workflow) -> bool:
        """Run one round, which is stopped when it takes longer than the interval."""
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
                result = sync_once(workflow)
        except Cancelled:
            limit = format_duration(workflow.interval_s)
            timed_out = f"stopped at its deadline of {limit}; the next round continues"
            self._report(workflow, "stopped", "stopped" if self._ended.is_set() else timed_out)
            return False
        except ROUND_ERRORS as error:
            self._report(workflow, "failed", str(error))
            return False
        finally:
            deadline.cancel()
            with self._lock:
                self._flags.discard(flag)
        self._report(workflow, "completed", result.summary(), *result.webhook_failures)
        return True

    def _report(self, workflow: Workflow, state: str, message: str, *warnings: str) -> None:
        now = datetime.now(UTC)
        if self._output.json:
            entry = {"workflow": workflow.name, "ended": now.isoformat(), "state": state}
            line = json.dumps({**entry, "message": message, "warnings": warnings})
        else:
            rest = "".join(f"\n  warning: {warning}" for warning in warnings)
            line = f"{format_time(now)} {workflow.name}: {state}: {message}{rest}"
        with self._lock:
            if not self._output.quiet or state != "completed" or warnings:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()


def run_all(workflows: Sequence[Workflow], *, once: bool, output: Output) -> ExitCode:
    """Run every workflow until it ends; SIGTERM and Ctrl-C stop the rounds in progress."""
    if not workflows:
        return ExitCode.SUCCESS
    check_prefect_reachable()
    runner = WorkflowRunner(once=once, output=output)
    with stop_on_sigterm(), ThreadPoolExecutor(len(workflows)) as threads:
        futures: list[Future[bool]] = []
        try:
            ensure_server()
            futures = [threads.submit(runner.run, workflow) for workflow in workflows]
            wait(futures, return_when=FIRST_EXCEPTION)
        except KeyboardInterrupt as error:
            runner.stop()
            wait(futures)
            return ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
        finally:
            runner.stop()  # an unexpected error ends all workflows
        succeeded = [future.result() for future in futures]
    return ExitCode.SUCCESS if all(succeeded) else ExitCode.FAILED


def sync_once(workflow: Workflow) -> SyncResult:
    """Run the sync of a workflow once."""
    if workflow.source.in_memory:
        _fill(workflow.source)
    result: SyncResult = sync(
        workflow.source.place,
        [destination.place for destination in workflow.destinations],
        webhook=workflow.webhook,
        **workflow.parameters,
    )
    return result


def _fill(source: WorkflowEndpoint) -> None:
    """Write the one file of a source of type noop."""
    if source.repository is not None:
        settings, options = source.repository.settings, source.repository.open_options()
        with STORAGES.open(settings, options) as storage:
            storage.put("noop", b"noop", Attributes())
