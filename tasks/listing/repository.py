"""Lists a repository into the catalog's spool; only the listing's id is passed on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from blocks.repository import Repository
from catalog.catalog import Catalog
from catalog.errors import ResourceNotFound
from catalog.inbox.spool import Listing
from catalog.queries.holdings import Holding
from orchestration.run import run_logger
from orchestration.task import task
from tasks.job import open_source, run_resources
from transfer.inventory.listing import known_paths, list_repository
from transfer.workers.progress import Progress

READ_ROLES = ("source", "alternate")  # only read: these must exist
LOG_EVERY_S = 5.0  # between two log lines about one listing


@task("enumerate-{role}")
def list_to_spool(
    repository: Repository, run_id: str, role: str = "source", *, version: int | None = None
) -> Listing:
    """List a whole repository; what could not be seen is recorded as gaps of the run.

    `role` names the task run.

    A destination's folder that does not exist yet counts as empty. With the layout `content` or
    `versioned`, what exists of a `version` is listed, or else of everything recorded.
    """
    common = run_resources(run_id)
    spool = common.catalog.spool
    holder = (
        None
        if role in READ_ROLES
        else partial(_recorded_holdings, common.catalog, repository, version)
    )
    with open_source(repository, holder) as source:
        try:
            listing = list_repository(
                spool,
                source.storage,
                source.retry,
                common.stop,
                known_paths(common.catalog.versions, repository.address),
                hidden=repository.markers,
                tell=_progress_reporter(common.progress, repository.label),
            )
        except ResourceNotFound:
            if role in READ_ROLES or not source.storage.capabilities.tree:
                raise
            with spool() as empty:
                return empty.finish()
    record_listing_problems(common.catalog, repository, listing, run_id, role)
    return listing


def record_listing_problems(
    catalog: Catalog, repository: Repository, listing: Listing, run_id: str, role: str
) -> None:
    """Record the gaps of a listing, and log sizes and times that were dropped."""
    logger = run_logger()
    for note in listing.notes:
        logger.warning("%s: %s", repository.label, note)
    if listing.noted > len(listing.notes):
        more = f"{listing.noted - len(listing.notes):,}"
        logger.warning("%s: the same for %s more files", repository.label, more)
    if listing.gaps:
        catalog.runs.record_gaps(run_id, repository.address, role, listing)


def _progress_reporter(progress: Progress, label: str) -> Callable[[int], None]:
    """Return a callback that updates the progress of a listing, and logs it now and then."""
    said_s = time.monotonic()

    def tell(count: int) -> None:
        nonlocal said_s
        progress.set_listed(count)
        if time.monotonic() - said_s >= LOG_EVERY_S:
            said_s = time.monotonic()
            run_logger().info("%s: %s files listed so far", label, f"{count:,}")

    return tell


def _recorded_holdings(
    catalog: Catalog, repository: Repository, version: int | None
) -> Iterable[Holding]:
    if version is None:
        return catalog.holdings.all(repository.address)
    rows = catalog.versions.content(repository.address, version)
    return (
        Holding(row.path, row.digest, row.size, row.etag) for row in rows if row.digest is not None
    )
