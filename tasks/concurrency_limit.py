"""One Prefect global concurrency limit per repository, taken once per batch.

It is created when missing. Slots have a lease, so that a killed worker's slot is released.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager

from blocks.repository import Repository
from orchestration.limit import hold_slot, set_limits

PREFIX = "entrepot-"


def limit_name(repository: Repository) -> str | None:
    """Return the name of a repository's global limit, or None if it has none."""
    name = repository.name
    if name is None or repository.limits.batches is None:
        return None
    return f"{PREFIX}{name}"


def ensure_limits(repositories: Iterable[Repository]) -> None:
    """Create or update the limit of each stored repository."""
    set_limits(
        {
            name: repository.limits.batches or 1
            for repository in repositories
            if (name := limit_name(repository)) is not None
        }
    )


@contextmanager
def hold_slots(repositories: Iterable[Repository]) -> Generator[None]:
    """Hold one slot of each stored repository; the fixed order prevents deadlocks."""
    names = {limit_name(repository) for repository in repositories} - {None}
    with ExitStack() as stack:
        for name in sorted(name for name in names if name is not None):
            stack.enter_context(hold_slot(name))
        yield
