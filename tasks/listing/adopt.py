"""Adopt: read every file of a repository and let the catalog know what it is."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks.repository import Repository
from catalog.inbox.spool import Listing
from catalog.model.gap import Gap, files_collecting_gaps
from tasks.job import open_source, run_resources
from tasks.listing.repository import told
from tasks.versioned_names import with_versioned_names
from transfer.inventory.adopt import digested, outcomes
from transfer.inventory.listing import visible


@task(task_run_name="learn-digests", cache_policy=NO_CACHE, persist_result=False)
def learn_digests(repository: Repository, run_id: str) -> Listing:
    """Spool a listing with digests; each step of it is recorded as it is learned."""
    common = run_resources(run_id)
    with open_source(repository) as end, common.catalog.spool() as spool:
        listed = visible(end.storage.enumerate(), repository.markers)
        gaps: list[Gap] = []
        steps = digested(end, files_collecting_gaps(listed, gaps), common.stop, common.progress)
        for step in steps:
            for one in step:
                spool.add(one)
            made = outcomes(repository.address, step)
            common.catalog.runs.record_outcomes(
                run_id, "", made + with_versioned_names(made, (repository,))
            )
        for gap in gaps:
            spool.add_gap(gap)
        listing = spool.finish()
    told(common.catalog, repository, listing, run_id, "source")
    return listing
