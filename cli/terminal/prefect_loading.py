"""Loads Prefect without its log on the terminal; the server has it, and `--verbose` shows it."""

from __future__ import annotations

import os
from importlib import import_module

CONSOLE = "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"


def load_quietly() -> None:
    """Load Prefect and the blocks, two seconds; a level that somebody chose stays."""
    os.environ.setdefault(CONSOLE, "CRITICAL")  # read when Prefect is imported, and only then
    import_module("blocks")
