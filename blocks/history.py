"""Where a repository keeps older bytes: below its root, apart or among all others."""

from __future__ import annotations

from blocks.repository import Layout, Repository
from providers.base import ProviderSettings
from providers.interfaces.history import HISTORY
from providers.layouts.numbered_names import NUMBERS


def history_of(repository: Repository) -> Repository:
    """Return where a repository keeps what was replaced or removed in it; same login and limits."""
    return area_of(repository, HISTORY)


def numbers_of(repository: Repository) -> Repository:
    """Return what holds the numbered files of a repository under the very names they bear.

    They lie in the repository itself, so it is the address alone that is another.
    """
    return area_of(repository, NUMBERS)


def bytes_of(repository: Repository) -> Repository:
    """Return what holds the bytes of a repository's older versions, by digest or by number."""
    return history_of(repository) if repository.layout is Layout.PATH else repository


def opened_at(repository: Repository) -> ProviderSettings:
    """Return where the files of a repository lie: of numbered ones, the repository's own root."""
    settings = repository.settings
    root = str(getattr(settings, settings.root_field))
    if root != NUMBERS and not root.endswith(f"/{NUMBERS}"):
        return settings
    above = root.removesuffix(NUMBERS)
    above = above if above.endswith("://") else above.rstrip("/")
    return settings.model_copy(update={settings.root_field: above})


def area_of(repository: Repository, folder: str) -> Repository:
    """Return a folder of ours in a repository as one of its own; same login and limits.

    A `folder` that begins with a slash lies below the storage's own root.
    """
    root = repository.storage if folder.startswith("/") else repository.settings
    return Repository(
        storage=root.below(folder),
        limits=repository.limits,
        retry=repository.retry,
        timeouts=repository.timeouts,
    )
