"""Local folders that flows write to apart from repositories, such as those of exports."""

from __future__ import annotations

from pathlib import Path

from blocks.repository import Repository
from providers.connection_cache import STORAGES
from providers.local.settings import LocalSettings


def local_folder(path: str | Path) -> Repository:
    """Return a folder as a repository.

    Raises:
        InvalidInput: it is outside the folders that ENTREPOT_LOCAL_ROOTS allows.
    """
    folder = Repository(storage=LocalSettings(path=str(path)))
    with STORAGES.open(folder.settings, folder.open_options()):
        return folder  # opening it checks that it is allowed
