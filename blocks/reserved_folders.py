"""The folders of a repository that hold older files and markers, as repositories of their own."""

from __future__ import annotations

from blocks.repository import Layout, Repository
from catalog.paths import RESERVED
from providers.base import ProviderSettings
from providers.interfaces.history import HISTORY
from providers.layouts.numbered_names import NUMBERS

MARKERS = f"{RESERVED}/done"
"""The folder of markers below a destination's root, unless another is set."""


def history_folder(repository: Repository) -> Repository:
    """Return the folder in which a repository keeps replaced and removed files."""
    return subfolder(repository, HISTORY)


def numbered_folder(repository: Repository) -> Repository:
    """Return the repository of a repository's numbered files, under their numbered names.

    The files are in the repository itself; only the address differs.
    """
    return subfolder(repository, NUMBERS)


def previous_bytes_folder(repository: Repository) -> Repository:
    """Return the repository with the bytes of a repository's older versions."""
    return history_folder(repository) if repository.layout is Layout.PATH else repository


def markers_folder(repository: Repository) -> Repository:
    """Return the folder of a repository's markers."""
    return subfolder(repository, repository.markers or MARKERS)


def opened_at(repository: Repository) -> ProviderSettings:
    """Return the settings to open a repository; for numbered files, those of its own root."""
    settings = repository.settings
    root = str(getattr(settings, settings.root_field))
    if root != NUMBERS and not root.endswith(f"/{NUMBERS}"):
        return settings
    parent = root.removesuffix(NUMBERS)
    parent = parent if parent.endswith("://") else parent.rstrip("/")
    return settings.model_copy(update={settings.root_field: parent})


def subfolder(repository: Repository, folder: str) -> Repository:
    """Return a reserved folder of a repository as a repository, with the same login and limits.

    A `folder` that begins with a slash is relative to the storage's own root.
    """
    root = repository.storage if folder.startswith("/") else repository.settings
    return Repository(
        storage=root.below(folder),
        limits=repository.limits,
        retry=repository.retry,
        timeouts=repository.timeouts,
    )
