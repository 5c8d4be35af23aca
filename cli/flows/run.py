"""Run a flow for the command line: progress while it runs, then its result and an exit code."""

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
from flows.runs.verb import Verb

WRONG = (ParameterTypeError, SignatureMismatchError)
AWAY = (PrefectHTTPStatusError, HTTPError)


class Terminated(KeyboardInterrupt):
    """SIGTERM came: it ends a run as Ctrl-C does."""


def run_flow(flow: Verb[Any, Any], given: Mapping[str, object], output: Output) -> None:
    """Run `flow` with what was `given`, and print what it returns.

    Where it ends otherwise, the program does too: its exit code says how.
    """
    if output.verbose:
        _let_prefect_speak()
    silent = output.quiet or output.json or output.verbose
    try:
        check_prefect_reachable()
        with stop_on_sigterm(), nullcontext() if silent else shown_progress():
            result = flow(**given)
    except KeyboardInterrupt as error:
        ended = ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
        show_error(
            KeyboardInterrupt("stopped; nothing is half done, run it again to go on"), output
        )
        sys.exit(ended)
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except WRONG as error:
        show_error(error, output)
        sys.exit(ExitCode.USAGE)
    except AWAY as error:
        show_error(PrefectException(f"Prefect's API could not be asked: {error}"), output)
        sys.exit(ExitCode.UNREACHABLE)
    show(result, output)


def check_prefect_reachable() -> None:
    """Raise an HTTP error where a server is named that does not answer.

    Prefect itself raises a RuntimeError then, which may be anything.
    """
    url = PREFECT_API_URL.value()
    if url:
        with get_client(sync_client=True) as client:
            error = client.api_healthcheck()
        if error is not None:
            raise HTTPError(f"{url}: {error}")


@contextmanager
def stop_on_sigterm() -> Generator[None]:
    """Let SIGTERM stop a run as cleanly as Ctrl-C does."""

    def stop(_: int, __: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _let_prefect_speak() -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.setLevel(logging.NOTSET)
