"""Local folders that a person names beside repositories: where exports go, where imports unpack."""

from __future__ import annotations

from pathlib import Path

from blocks.repository import Repository
from providers.cache import STORAGES
from providers.local.settings import LocalSettings


def local_folder(path: str | Path) -> Repository:
    """Return a folder as a repository.

    Raises:
        InvalidInput: it lies outside of the folders that ENTREPOT_LOCAL_ROOTS allows.
    """
    found = Repository(storage=LocalSettings(path=str(path)))
    with STORAGES.open(found.settings, found.open_options()):
        return found  # opening it is what refuses
