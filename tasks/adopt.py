"""Adopt: read every file of a repository and let the catalog know what it is."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks.repository import Repository
from catalog.spool import Listing
from tasks.job import opened_source, shared
from tasks.numbers import numbered
from transfer.adopt import learned, outcomes
from transfer.listing import visible


@task(task_run_name="learn-digests", cache_policy=NO_CACHE, persist_result=False)
def learn_digests(repository: Repository, run_id: str) -> Listing:
    """Spool a listing with digests; each step of it is recorded as it is learned."""
    common = shared(run_id)
    with opened_source(repository) as end, common.catalog.spool() as spool:
        listed = visible(end.storage.enumerate(), repository.markers)
        steps = learned(end, listed, common.stop, common.progress)
        for step in steps:
            for one in step:
                spool.add(one)
            made = outcomes(repository.address, step)
            common.catalog.record_outcomes(run_id, "", made + numbered(made, (repository,)))
        return spool.finish()
