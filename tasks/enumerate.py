"""Enumerate: list a repository into the catalog's spool; only the listing's id travels on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks.repository import Repository
from catalog.errors import ResourceNotFound
from catalog.holdings import Holding
from catalog.known import known_paths
from catalog.spool import Listing
from catalog.store import Catalog
from tasks.job import opened_source, shared
from transfer.listing import list_whole


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
            known = known_paths(common.catalog, repository.address)
            return list_whole(
                spool, source.storage, source.retry, common.stop, known, hidden=repository.markers
            )
        except ResourceNotFound:
            if role == "source" or not source.storage.capabilities.tree:
                raise
    with spool() as empty:
        return empty.finish()


def _held(catalog: Catalog, repository: Repository, version: int | None) -> Iterable[Holding]:
    if version is None:
        return catalog.holdings(repository.address)
    rows = catalog.content(repository.address, version)
    return (
        Holding(row.path, row.digest, row.size, row.etag) for row in rows if row.digest is not None
    )
