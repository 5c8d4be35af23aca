"""Whether this process uses Prefect: decided once, before the first verb is loaded."""

from __future__ import annotations

import sys
from enum import StrEnum

from catalog.errors import InvalidInput
from catalog.settings import PrefectUse, Settings


class Mode(StrEnum):
    """How this process runs verbs."""

    PREFECT = "prefect"
    """As Prefect flows: each run, task and report is recorded by a Prefect server."""
    DIRECT = "direct"
    """As plain functions, without importing Prefect; the catalog records the run."""


class _Decision:
    mode: Mode | None = None


def use(mode: Mode) -> None:
    """Decide how this process runs verbs.

    Raises:
        InvalidInput: verbs were loaded in the other mode.
    """
    if _Decision.mode not in (None, mode):
        raise InvalidInput(f"this process runs verbs in the mode {_Decision.mode!r} already")
    _Decision.mode = mode


def decided() -> bool:
    """Say whether it is decided already."""
    return _Decision.mode is not None


def uses_prefect() -> bool:
    """Say whether verbs are Prefect flows; the first answer holds for the whole process.

    Unless `use` was called, they are, except where ENTREPOT_PREFECT is `never`. A process that
    loaded Prefect itself, such as a worker, always uses it.
    """
    if _Decision.mode is None:
        never = Settings().prefect is PrefectUse.NEVER and not prefect_loaded()
        _Decision.mode = Mode.DIRECT if never else Mode.PREFECT
    return _Decision.mode is Mode.PREFECT


def prefect_loaded() -> bool:
    """Say whether this process has imported Prefect."""
    return sys.modules.get("prefect") is not None
