"""Enumerate: list a repository into the catalog's spool; only the listing's id travels on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from blocks.repository import Repository
from catalog.errors import ResourceNotFound
from catalog.holdings import Holding
from catalog.known import known_paths
from catalog.spool import Listing
from catalog.store import Catalog
from tasks.job import opened_source, shared
from transfer.listing import list_whole
from transfer.progress import Progress

EVERY_S = 5.0  # between two lines about one listing


@task(task_run_name="enumerate-{role}", cache_policy=NO_CACHE, persist_result=False)
def enumerate_repository(
    repository: Repository, run_id: str, role: str = "source", *, version: int | None = None
) -> Listing:
    """List all of a repository, whole or not at all; `role` names the task run.

    A destination's folder that does not exist yet is empty. Where files bear other names than
    their paths, what is there of a `version` is listed, or else of all that is recorded.
    """
    common = shared(run_id)
    spool = common.catalog.spool
    holder = None if role == "source" else partial(_held, common.catalog, repository, version)
    with opened_source(repository, holder) as source:
        try:
            return list_whole(
                spool,
                source.storage,
                source.retry,
                common.stop,
                known_paths(common.catalog, repository.address),
                hidden=repository.markers,
                tell=_teller(common.progress, repository.label),
            )
        except ResourceNotFound:
            if role == "source" or not source.storage.capabilities.tree:
                raise
    with spool() as empty:
        return empty.finish()


def _teller(progress: Progress, label: str) -> Callable[[int], None]:
    """Return what notes how far a listing is, and now and then logs it."""
    said_s = time.monotonic()

    def tell(count: int) -> None:
        nonlocal said_s
        progress.list_to(count)
        if time.monotonic() - said_s >= EVERY_S:
            said_s = time.monotonic()
            get_run_logger().info("%s: %s files listed so far", label, f"{count:,}")

    return tell


def _held(catalog: Catalog, repository: Repository, version: int | None) -> Iterable[Holding]:
    if version is None:
        return catalog.holdings(repository.address)
    rows = catalog.content(repository.address, version)
    return (
        Holding(row.path, row.digest, row.size, row.etag) for row in rows if row.digest is not None
    )
