"""The history of a repository, `.entrepot/history` below its root, as a repository of its own."""

from __future__ import annotations

from blocks.repository import Repository
from providers.keeping import HISTORY


def history_of(repository: Repository) -> Repository:
    """Return where a repository keeps what was replaced or removed in it; same login and limits."""
    return Repository(
        storage=repository.settings.below(HISTORY),
        limits=repository.limits,
        retry=repository.retry,
        timeouts=repository.timeouts,
    )
