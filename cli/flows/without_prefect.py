"""What the command line needs to run a verb directly."""

from __future__ import annotations

import logging
import sys

from cli.terminal.exit_codes import ExitCode

PREFECT_ERRORS: tuple[type[Exception], ...] = ()
API_ERRORS: tuple[type[Exception], ...] = ()


def check_prefect_reachable() -> None:
    """Do nothing: no server is used."""


def ensure_server() -> None:
    """Do nothing: no server is used."""


def show_log(name: str) -> None:
    """Show the run's log on the terminal, and that Prefect is not used."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("entrepot")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.info(
        "%s runs without Prefect: no server is configured (PREFECT_API_URL, ENTREPOT_PREFECT)", name
    )


def explain(error: Exception) -> tuple[ExitCode, Exception]:
    """Return the exit code for an error, and what to print."""
    return ExitCode.FAILED, error
