"""The exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum

from catalog.errors import (
    CatalogBroken,
    CatalogTimeout,
    InvalidInput,
    NotRecorded,
    PlanRefused,
    RepositoryNotFound,
    StorageError,
)
from orchestration.errors import PrefectNeeded


class ExitCode(IntEnum):
    """How a command ended."""

    SUCCESS = 0
    """Everything was done, or a check found nothing wrong."""
    FAILED = 1
    """Some files failed or are damaged; the output names them, and the rest was done."""
    USAGE = 2
    """The arguments cannot be used; nothing was changed."""
    REFUSED = 3
    """A plan crossed a guard, is outdated, or needs missing bytes; nothing was changed."""
    UNREACHABLE = 4
    """A storage, the catalog or Prefect could not be reached or read."""
    INTERRUPTED = 130
    """Ctrl-C; no file is half written, and the next run continues from there."""
    TERMINATED = 143
    """SIGTERM; as after Ctrl-C."""


def exit_of(error: Exception) -> ExitCode:
    """Return the exit code for an error.

    >>> exit_of(InvalidInput("no such path"))
    <ExitCode.USAGE: 2>
    """
    if isinstance(error, InvalidInput | NotRecorded | PrefectNeeded | RepositoryNotFound):
        return ExitCode.USAGE
    if isinstance(error, PlanRefused):
        return ExitCode.REFUSED
    if isinstance(error, CatalogBroken | CatalogTimeout | StorageError):
        return ExitCode.UNREACHABLE
    return ExitCode.FAILED
