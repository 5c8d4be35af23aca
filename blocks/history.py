"""Where a repository keeps older bytes: `.entrepot/history` below its root, or with all others."""

from __future__ import annotations

from blocks.repository import Layout, Repository
from providers.keeping import HISTORY


def history_of(repository: Repository) -> Repository:
    """Return where a repository keeps what was replaced or removed in it; same login and limits."""
    return Repository(
        storage=repository.settings.below(HISTORY),
        limits=repository.limits,
        retry=repository.retry,
        timeouts=repository.timeouts,
    )


def bytes_of(repository: Repository) -> Repository:
    """Return what holds the bytes of a repository's older versions, each under its digest."""
    return repository if repository.layout is Layout.CONTENT else history_of(repository)
