"""A direct run: it has a log, and nothing shows its name."""

from __future__ import annotations

import logging
from typing import Any


def run_logger() -> logging.Logger:
    """Return the logger of direct runs, shown with `--verbose`."""
    return logging.getLogger("entrepot.run")


def flow_run_id() -> None:
    """Return None: a direct run is no flow run."""
    return


def flow_name() -> str:
    """Return what a run is called; only Prefect names runs."""
    return "run"


def run_parameters() -> dict[str, Any]:
    """Return nothing; only Prefect names runs by their parameters."""
    return {}
