"""What the command line needs of Prefect to run a verb: is it there, its log, its errors."""

from __future__ import annotations

import logging

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

from cli.terminal.exit_codes import ExitCode

USAGE_ERRORS = (ParameterTypeError, SignatureMismatchError)
PREFECT_ERRORS: tuple[type[Exception], ...] = (*USAGE_ERRORS, PrefectHTTPStatusError, HTTPError)
API_ERRORS: tuple[type[Exception], ...] = (PrefectException, HTTPError)


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


def show_log(name: str) -> None:  # noqa: ARG001 - as without Prefect
    """Show Prefect's log on the terminal."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.setLevel(logging.NOTSET)


def explain(error: Exception) -> tuple[ExitCode, Exception]:
    """Return the exit code for one of `PREFECT_ERRORS`, and what to print."""
    if isinstance(error, USAGE_ERRORS):
        return ExitCode.USAGE, error
    return ExitCode.UNREACHABLE, PrefectException(f"cannot reach Prefect's API: {error}")
