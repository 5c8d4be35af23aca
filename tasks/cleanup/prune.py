"""Prune: find and remove what a repository holds besides its files and needs no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from blocks.history import history_of
from blocks.repository import Layout, Repository
from catalog.errors import ResourceNotFound, UnexpectedReply
from catalog.model.gap import Gap, Listed, files
from catalog.model.resource import Resource
from catalog.paths import RESERVED
from providers.base import Storage
from providers.cache import STORAGES
from providers.interfaces.incomplete_uploads import SupportsIncompleteUploads
from providers.interfaces.leftovers import SupportsLeftovers
from providers.layouts.content import ContentLayout
from providers.layouts.content_names import FOLDER, content_path, digest_of_path
from tasks.forget_files import forget_files
from tasks.job import run_resources
from tasks.listing.repository import enumerate_repository
from transfer.workers.pool import WorkerPool

TEMPORARY = f"{RESERVED}/tmp"  # noqa: S108 - below the root of the repository
THREADS = 16
NAMED = 20  # gaps that are logged


@dataclass(frozen=True, slots=True)
class PruneRule:
    """What may go: things from before a moment; of bytes, only those of some digests if told."""

    before: datetime
    dry_run: bool = False
    only: frozenset[str] | None = None  # sha256 in hex

    def takes(self, sha256: str | None) -> bool:
        """Say whether bytes with a digest are among those that may go."""
        return self.only is None or sha256 in self.only

    def stale(self, one: Resource) -> bool:
        """Say whether a file is told to be written before the moment."""
        return one.modified_us is not None and not self.young(one)

    def young(self, one: Resource) -> bool:
        """Say whether a file is told to be written since the moment."""
        return one.modified_us is not None and one.modified_us >= self.before.timestamp() * 1e6


def files_logging_gaps(listed: Iterable[Listed]) -> Iterator[Resource]:
    """Yield the files of a listing and log what it could not see, of which nothing is removed."""
    gaps: list[Gap] = []
    yield from files(listed, gaps)
    for gap in gaps[:NAMED]:
        get_run_logger().warning("%s; nothing of it was removed", gap)
    if len(gaps) > NAMED:
        get_run_logger().warning("… and %s places more", f"{len(gaps) - NAMED:,}")


def files_without_gaps(listed: Iterable[Listed]) -> Iterator[Resource]:
    """Yield the files of a listing that says what is needed: a gap in it is an error."""
    gaps: list[Gap] = []
    yield from files(listed, gaps)
    for gap in gaps:
        raise UnexpectedReply(f"what is needed cannot be told: {gap}", path=gap.path)


@dataclass(frozen=True, slots=True)
class PrunedItems:
    """Things of one kind that are no longer needed; `bytes` where their sizes are told."""

    kind: str
    names: tuple[str, ...]
    bytes: int = 0


@task(task_run_name="prune-temporary-files", cache_policy=NO_CACHE, persist_result=False)
def prune_temporary(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Remove temporary files that were last written before a moment: their writers are dead."""
    stop = run_resources(run_id).stop
    old: list[Resource] = []
    for settings, beside in (
        (repository.settings.below(TEMPORARY), False),
        (repository.settings, True),
    ):
        with STORAGES.open(settings, repository.open_options()) as storage:
            stale = [one for one in _temporary_files(storage, beside=beside) if rule.stale(one)]
            if not rule.dry_run:
                WorkerPool([one.path for one in stale], storage.remove, stop).run(THREADS)
            old += stale
    return PrunedItems(
        "temporary files", tuple(one.path for one in old), sum(one.size or 0 for one in old)
    )


def _temporary_files(storage: Storage, *, beside: bool) -> Iterator[Resource]:
    """Yield those in the folder for them, or `beside` those that lie next to other files."""
    with suppress(ResourceNotFound):
        if not beside:
            yield from files_logging_gaps(storage.enumerate())
        elif isinstance(storage, SupportsLeftovers):
            yield from files_logging_gaps(storage.leftovers())


@task(task_run_name="prune-uploads", cache_policy=NO_CACHE, persist_result=False)
def prune_uploads(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Give up uploads that were begun before a moment and never finished."""
    stop = run_resources(run_id).stop
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        if not isinstance(storage, SupportsIncompleteUploads):
            return PrunedItems("unfinished uploads", ())
        uploads = storage.uploads()
        old = [one for one in uploads.unfinished() if one.began_us < rule.before.timestamp() * 1e6]
        if not rule.dry_run:
            WorkerPool(old, uploads.abort, stop).run(THREADS)
    return PrunedItems("unfinished uploads", tuple(one.path for one in old))


@task(task_run_name="prune-history", cache_policy=NO_CACHE, persist_result=False)
def prune_history(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Remove from the history what no version needs and what was kept before a moment."""
    common = run_resources(run_id)
    history = history_of(repository)
    listing = enumerate_repository(history, run_id, "history")
    found = common.catalog.holdings.orphans(
        repository.address, history.address, listing, rule.before
    )
    orphans = {path: size for path, size in found if rule.takes(digest_of_path(path))}
    if not rule.dry_run and orphans:
        with STORAGES.open(history.settings, history.open_options()) as storage:
            WorkerPool(list(orphans), storage.remove, common.stop).run(THREADS)
        forget_files(history, orphans, run_id)
    return PrunedItems("history", tuple(orphans), sum(size or 0 for size in orphans.values()))


@task(task_run_name="prune-content", cache_policy=NO_CACHE, persist_result=False)
def prune_content(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Remove files named by digest that no version needs and that were written before a moment.

    What is shown stays, whoever showed it, and what a killed run stored waits for the next one.
    """
    if repository.layout is not Layout.CONTENT:
        return PrunedItems("content", ())
    common = run_resources(run_id)
    needed = set(common.catalog.holdings.needed(repository.address))
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        with suppress(ResourceNotFound):
            needed |= {
                one.etag or "" for one in files_without_gaps(ContentLayout(storage).enumerate())
            }
        paths = {content_path(digest) for digest in needed}
        old: dict[str, int] = {}
        with suppress(ResourceNotFound):
            for one in files_logging_gaps(storage.enumerate(FOLDER)):
                sha256 = digest_of_path(one.path)
                if sha256 and rule.takes(sha256) and one.path not in paths and not rule.young(one):
                    old[one.path] = one.size or 0
        if not rule.dry_run:
            WorkerPool(list(old), storage.remove, common.stop).run(THREADS)
    return PrunedItems("content", tuple(old), sum(old.values()))
