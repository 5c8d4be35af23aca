"""Reads every file of a repository and records its digest."""

from __future__ import annotations

from blocks.repository import Repository
from catalog.inbox.spool import Listing
from catalog.model.gap import Gap, files_collecting_gaps
from orchestration.task import task
from tasks.job import open_source, run_resources
from tasks.listing.repository import record_listing_problems
from tasks.recorded_files import with_versioned_names
from transfer.inventory.adopt import adopted_outcomes, compute_digests
from transfer.inventory.listing import without_hidden


@task("learn-digests")
def adopt_files(repository: Repository, run_id: str) -> Listing:
    """Spool a listing with digests; each step is recorded at once."""
    common = run_resources(run_id)
    with open_source(repository) as end, common.catalog.spool() as spool:
        listed = without_hidden(end.storage.enumerate(), repository.markers)
        gaps: list[Gap] = []
        steps = compute_digests(
            end, files_collecting_gaps(listed, gaps), common.stop, common.progress
        )
        for step in steps:
            for file in step:
                spool.add(file)
            adopted = adopted_outcomes(repository.address, step)
            common.catalog.runs.record_outcomes(
                run_id, "", adopted + with_versioned_names(adopted, (repository,))
            )
        for gap in gaps:
            spool.add_gap(gap)
        listing = spool.finish()
    record_listing_problems(common.catalog, repository, listing, run_id, "source")
    return listing
