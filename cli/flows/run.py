"""Run a flow for the command line: show progress, then the result, and set the exit code."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

from httpx import HTTPError
from prefect import get_client
from prefect.exceptions import (
    ParameterTypeError,
    PrefectException,
    PrefectHTTPStatusError,
    SignatureMismatchError,
)
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_API_URL

from catalog.errors import CatalogError
from cli.flows.progress import shown_progress
from cli.terminal.exit_codes import ExitCode, exit_of
from cli.terminal.output import Output, show, show_error
from flows.runs.verb import DirectFlow

USAGE_ERRORS = (ParameterTypeError, SignatureMismatchError)
API_ERRORS = (PrefectHTTPStatusError, HTTPError)


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; it ends a run as Ctrl-C does."""


def run_flow(flow: DirectFlow[Any, Any], parameters: Mapping[str, object], output: Output) -> None:
    """Run `flow` and print its result; on an error, print it and exit with its code."""
    if output.verbose:
        _show_prefect_log()
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
        show_error(error, output)
        sys.exit(exit_of(error))
    except USAGE_ERRORS as error:
        show_error(error, output)
        sys.exit(ExitCode.USAGE)
    except API_ERRORS as error:
        show_error(PrefectException(f"cannot reach Prefect's API: {error}"), output)
        sys.exit(ExitCode.UNREACHABLE)
    show(result, output)


def check_prefect_reachable() -> None:
    """Raise an HTTP error if a server is configured and does not answer.

    Prefect itself raises a RuntimeError, which says nothing about the cause.
    """
    url = PREFECT_API_URL.value()
    if url:
        with get_client(sync_client=True) as client:
            error = client.api_healthcheck()
        if error is not None:
            raise HTTPError(f"{url}: {error}")


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


def _show_prefect_log() -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.setLevel(logging.NOTSET)
