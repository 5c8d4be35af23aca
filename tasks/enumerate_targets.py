"""Enumerate targets: list what a pull asks for, each file with the local name it gets."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks.repository import Repository
from catalog.errors import NothingMatched
from catalog.spool import Listing
from catalog.targets import PullTarget, local_path
from tasks.job import opened_source, shared
from transfer.listing import resources, visible
from transfer.retry import persistent


@task(task_run_name="enumerate-targets", cache_policy=NO_CACHE, persist_result=False)
def enumerate_targets(
    repository: Repository, targets: list[PullTarget], run_id: str, *, allow_empty: bool = False
) -> Listing:
    """Spool every file of `targets`; a target that matches nothing is an error."""
    common = shared(run_id)
    with opened_source(repository) as source:

        def once() -> Listing:
            with common.catalog.spool() as spool:
                for target in targets:
                    found = 0
                    listed = resources(
                        source.storage, source.retry, common.stop, None, target.prefix
                    )
                    for resource in visible(listed, repository.markers):
                        spool.add(resource, local_path(target, resource.path))
                        found += 1
                    if not found and not allow_empty:
                        raise NothingMatched(
                            f"no resources matched: {repository.label} has nothing at "
                            f"{target.remote!r}"
                        )
                return spool.finish()

        return persistent(once, source.retry, common.stop)[0]
