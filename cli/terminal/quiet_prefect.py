"""Load Prefect without its log on the terminal; `--verbose` shows it, and the server stores it."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from catalog.settings import PrefectUse, Settings
from orchestration.mode import Mode, prefect_loaded, use
from orchestration.prefect_settings import read_prefect_settings
from orchestration.stored_names import REPOSITORY, names_in, no_repository

if TYPE_CHECKING:
    from blocks.repository import Repository

CONSOLE = "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"


def load_quietly() -> None:
    """Load Prefect and the blocks, which takes two seconds; a log level set by the user stays."""
    use(Mode.PREFECT)
    os.environ.setdefault(CONSOLE, "CRITICAL")  # read only when Prefect is imported
    import_module("blocks")


def load_repository(name: str) -> Repository:
    """Load a stored repository, with Prefect.

    Without a configured server, a name that is not stored is refused before Prefect is loaded.

    Raises:
        RepositoryNotFound: there is no block of that name.
    """
    settings = read_prefect_settings()
    asked = prefect_loaded() or settings.server
    if not asked and Settings().prefect is not PrefectUse.SERVER:
        names = names_in(settings.database, REPOSITORY)
        if names is not None and name not in names:
            raise no_repository(name, names)
    load_quietly()
    from blocks.resolve import repository  # noqa: PLC0415 - it loads Prefect
    from orchestration.with_prefect.local_server import ensure_server  # noqa: PLC0415 - the same

    ensure_server()
    return repository(name)
