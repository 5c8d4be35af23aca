"""Lists the targets of a pull, each file with its local path."""

from __future__ import annotations

from blocks.repository import Repository
from catalog.errors import NothingMatched
from catalog.inbox.spool import Listing
from catalog.model.gap import Gap
from catalog.rules.pull_targets import PullTarget, local_path
from orchestration.task import task
from tasks.job import open_source, run_resources
from tasks.listing.repository import record_listing_problems
from transfer.inventory.listing import list_resources, without_hidden
from transfer.workers.retry import call_with_retries


@task("enumerate-targets")
def list_pull_targets(
    repository: Repository, targets: list[PullTarget], run_id: str, *, allow_empty: bool = False
) -> Listing:
    """Spool every file of `targets`; a target that matches nothing is an error."""
    common = run_resources(run_id)
    with open_source(repository) as source:

        def once() -> Listing:
            with common.catalog.spool() as spool:
                for target in targets:
                    found = 0
                    listed = list_resources(
                        source.storage, source.retry, common.stop, None, target.prefix
                    )
                    for entry in without_hidden(listed, repository.markers):
                        found += 1
                        if isinstance(entry, Gap):
                            spool.add_gap(entry)
                        else:
                            spool.add(entry, local_path(target, entry.path))
                    if not found and not allow_empty:
                        raise NothingMatched(
                            f"no resources matched: {repository.label} has nothing at "
                            f"{target.remote!r}"
                        )
                return spool.finish()

        listing = call_with_retries(once, source.retry, common.stop)[0]
        record_listing_problems(common.catalog, repository, listing, run_id, "source")
        return listing
