"""One Prefect global concurrency limit per repository, taken once per batch.

It is created when missing. Slots have a lease, so that a killed worker's slot is released.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager

from prefect import get_client
from prefect.concurrency.sync import concurrency

from blocks.repository import Repository

PREFIX = "entrepot-"
LEASE_S = 120.0
TIMEOUT_S = 3600.0


def limit_name(repository: Repository) -> str | None:
    """Return the name of a repository's global limit, or None if it has none."""
    name = repository.name
    if name is None or repository.limits.batches is None:
        return None
    return f"{PREFIX}{name}"


def ensure_limits(repositories: Iterable[Repository]) -> None:
    """Create or update the limit of each stored repository."""
    wanted = {
        name: repository.limits.batches
        for repository in repositories
        if (name := limit_name(repository)) is not None
    }
    if not wanted:
        return
    with get_client(sync_client=True) as client:
        for name, number in wanted.items():
            client.upsert_global_concurrency_limit_by_name(name, number or 1)


@contextmanager
def hold_slots(repositories: Iterable[Repository]) -> Generator[None]:
    """Hold one slot of each stored repository; the fixed order prevents deadlocks."""
    names = {limit_name(repository) for repository in repositories} - {None}
    with ExitStack() as stack:
        for name in sorted(name for name in names if name is not None):
            stack.enter_context(
                concurrency(
                    name,
                    occupy=1,
                    timeout_seconds=TIMEOUT_S,
                    strict=True,
                    lease_duration=LEASE_S,
                    raise_on_lease_renewal_failure=False,
                )
            )
        yield
