"""The verb in progress."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DirectRun:
    """A verb's name and its arguments by name."""

    name: str = "run"
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])


current: ContextVar[DirectRun] = ContextVar("current", default=DirectRun())  # noqa: B039 - frozen


def run_logger() -> logging.Logger:
    """Return the logger of direct runs, shown with `--verbose`."""
    return logging.getLogger("entrepot.run")


def flow_run_id() -> None:
    """Return None: a direct run is no flow run."""
    return


def flow_name() -> str:
    """Return the name of the verb that runs."""
    return current.get().name


def run_parameters() -> dict[str, Any]:
    """Return the arguments of the verb that runs."""
    return dict(current.get().arguments)
