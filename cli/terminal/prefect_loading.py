"""Load Prefect without its log on the terminal; `--verbose` shows it, and the server stores it."""

from __future__ import annotations

import os
from importlib import import_module

from orchestration.mode import Mode, use

CONSOLE = "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"


def load_quietly() -> None:
    """Load Prefect and the blocks, which takes two seconds; a log level set by the user stays."""
    use(Mode.PREFECT)
    os.environ.setdefault(CONSOLE, "CRITICAL")  # read only when Prefect is imported
    import_module("blocks")
