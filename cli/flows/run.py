"""Run a flow for the command line: show progress, then the result, and set the exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

from catalog.errors import CatalogError
from cli.flows.mode import may_restart, restart_with_prefect
from cli.flows.progress import shown_progress
from cli.flows.server import PREFECT_ERRORS, check_prefect_reachable, explain, show_log
from cli.terminal.exit_codes import ExitCode, exit_of
from cli.terminal.output import Output, show, show_error
from orchestration.errors import PrefectNeeded
from orchestration.verb import Verb


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; it ends a run as Ctrl-C does."""


def run_flow(flow: Verb[Any, Any], parameters: Mapping[str, object], output: Output) -> None:
    """Run `flow` and print its result; on an error, print it and exit with its code."""
    if output.verbose:
        show_log(flow.name)
    silent = output.quiet or output.json or output.verbose
    try:
        check_prefect_reachable()
        with stop_on_sigterm(), nullcontext() if silent else shown_progress():
            result = flow(**parameters)
    except KeyboardInterrupt as error:
        code = ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
        stopped = "stopped; no file is half written: run the command again to continue"
        show_error(KeyboardInterrupt(stopped), output)
        sys.exit(code)
    except CatalogError as error:
        if isinstance(error, PrefectNeeded) and may_restart():
            restart_with_prefect()
        show_error(error, output)
        sys.exit(exit_of(error))
    except PREFECT_ERRORS as error:
        code, told = explain(error)
        show_error(told, output)
        sys.exit(code)
    show(result, output)


@contextmanager
def stop_on_sigterm() -> Generator[None]:
    """Let SIGTERM stop a run as cleanly as Ctrl-C."""

    def stop(_: int, __: FrameType | None) -> None:
        raise Terminated

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
