"""What the exit code of the command line says."""

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


class ExitCode(IntEnum):
    """How a command ended."""

    WELL = 0
    """All that was asked for was done, or is as it should be."""
    FAILED = 1
    """Some files failed, or are damaged; the output names them, and the rest was done."""
    USAGE = 2
    """What was given cannot be used; nothing was touched."""
    REFUSED = 3
    """A plan crossed a guard, is outdated, or lacks bytes; nothing was touched."""
    UNREACHABLE = 4
    """A storage, the catalog or Prefect could not be reached or read."""
    INTERRUPTED = 130
    """Ctrl-C; nothing is half done, and the next run goes on from there."""
    TERMINATED = 143
    """SIGTERM; the same."""


def exit_of(error: Exception) -> ExitCode:
    """Return the exit code for an error of ours.

    >>> exit_of(InvalidInput("no such path"))
    <ExitCode.USAGE: 2>
    """
    if isinstance(error, InvalidInput | NotRecorded | RepositoryNotFound):
        return ExitCode.USAGE
    if isinstance(error, PlanRefused):
        return ExitCode.REFUSED
    if isinstance(error, CatalogBroken | CatalogTimeout | StorageError):
        return ExitCode.UNREACHABLE
    return ExitCode.FAILED
