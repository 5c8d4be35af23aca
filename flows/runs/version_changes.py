"""Shared by flows that change a repository's history: record the run, return what remains."""

from __future__ import annotations

from collections.abc import Callable

from blocks.repository import Repository
from catalog.catalog import Catalog
from flows.results.versions import RemainingVersions
from flows.runs.active_run import ActiveRun
from orchestration.run import run_logger


def change_versions(
    kind: str, repository: Repository, change: Callable[[Catalog], tuple[int, ...]]
) -> RemainingVersions:
    """Call `change`, which returns the numbers of the versions it deleted, as a recorded run.

    It takes no destination lock: no file is changed, and the catalog applies orders one by one.
    """
    with ActiveRun(kind, repository, (repository,), writes=()) as run:
        deleted = change(run.catalog)
        result = RemainingVersions(
            run.job.run_id,
            repository.label,
            repository.address,
            tuple(sorted(deleted)),
            tuple(reversed(run.catalog.versions.all(repository.address))),
            run.catalog.retention.get(repository.address),
        )
        run.end("completed", result.summary())
    run_logger().info("%s", result.summary())
    return result
