"""Prune: find and remove what a repository stores besides its files and no longer needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from blocks.repository import Layout, Repository
from blocks.reserved_folders import history_folder
from catalog.errors import AccessDenied, ResourceNotFound, UnexpectedReply
from catalog.model.gap import Gap, Listed, files_collecting_gaps
from catalog.model.resource import Resource
from catalog.paths import RESERVED
from orchestration.run import run_logger
from orchestration.task import task
from providers.base import Storage
from providers.connection_cache import STORAGES
from providers.interfaces.incomplete_uploads import SupportsIncompleteUploads
from providers.interfaces.leftovers import SupportsLeftovers
from providers.layouts.content import ContentLayout
from providers.layouts.content_names import FOLDER, content_path, digest_of_path
from tasks.job import run_resources
from tasks.listing.repository import list_to_spool
from tasks.recorded_files import forget_files
from transfer.workers.pool import WorkerPool

TEMPORARY = f"{RESERVED}/tmp"  # noqa: S108 - below the root of the repository
THREADS = 16
MAX_NAMED = 20  # gaps in the log


@dataclass(frozen=True, slots=True)
class PruneRule:
    """What may be removed: items from before a moment, optionally only those with some digests."""

    before: datetime
    dry_run: bool = False
    only: frozenset[str] | None = None  # sha256 in hex

    def allows(self, sha256: str | None) -> bool:
        """Say whether bytes with this digest may be removed."""
        return self.only is None or sha256 in self.only

    def is_recent(self, file: Resource) -> bool:
        """Say whether a file was written since the moment."""
        return file.modified_us is not None and file.modified_us >= self.before.timestamp() * 1e6

    def is_stale(self, file: Resource) -> bool:
        """Say whether a file was written before the moment; one without a time is not."""
        return file.modified_us is not None and not self.is_recent(file)


def files_logging_gaps(listed: Iterable[Listed]) -> Iterator[Resource]:
    """Yield the files of a listing and log its gaps, in which nothing is removed."""
    gaps: list[Gap] = []
    yield from files_collecting_gaps(listed, gaps)
    for gap in gaps[:MAX_NAMED]:
        run_logger().warning("%s; nothing was removed there", gap)
    if len(gaps) > MAX_NAMED:
        run_logger().warning("… and %s more places", f"{len(gaps) - MAX_NAMED:,}")


def files_without_gaps(listed: Iterable[Listed]) -> Iterator[Resource]:
    """Yield the files of a listing that tells what is needed: a gap in it is an error."""
    gaps: list[Gap] = []
    yield from files_collecting_gaps(listed, gaps)
    for gap in gaps:
        raise UnexpectedReply(f"it is unknown which files are needed: {gap}", path=gap.path)


@dataclass(frozen=True, slots=True)
class PrunedItems:
    """Items of one kind that are no longer needed; `bytes` is 0 if sizes are unknown."""

    kind: str
    names: tuple[str, ...]
    bytes: int = 0


@task("prune-temporary-files")
def prune_temporary(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Remove temporary files that were last written before the moment: their writers are dead."""
    stop = run_resources(run_id).stop
    old: list[Resource] = []
    for settings, beside in (
        (repository.settings.below(TEMPORARY), False),
        (repository.settings, True),
    ):
        with STORAGES.open(settings, repository.open_options()) as storage:
            stale = [
                file for file in _temporary_files(storage, beside=beside) if rule.is_stale(file)
            ]
            if not rule.dry_run:
                WorkerPool([file.path for file in stale], storage.remove, stop).run(THREADS)
            old += stale
    return PrunedItems(
        "temporary files", tuple(file.path for file in old), sum(file.size or 0 for file in old)
    )


def _temporary_files(storage: Storage, *, beside: bool) -> Iterator[Resource]:
    """Yield the files of the temporary folder, or with `beside` those next to other files."""
    with suppress(ResourceNotFound):
        if not beside:
            yield from files_logging_gaps(storage.enumerate())
        elif isinstance(storage, SupportsLeftovers):
            try:
                yield from files_logging_gaps(storage.leftovers())
            except AccessDenied as error:  # a drop folder need not be listed
                run_logger().warning("%s; nothing was removed there", error)


@task("prune-uploads")
def prune_uploads(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Abort uploads that were begun before the moment and never finished."""
    stop = run_resources(run_id).stop
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        if not isinstance(storage, SupportsIncompleteUploads):
            return PrunedItems("unfinished uploads", ())
        uploads = storage.uploads()
        old = [
            upload
            for upload in uploads.unfinished()
            if upload.began_us < rule.before.timestamp() * 1e6
        ]
        if not rule.dry_run:
            WorkerPool(old, uploads.abort, stop).run(THREADS)
    return PrunedItems("unfinished uploads", tuple(file.path for file in old))


@task("prune-history")
def prune_history(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Remove files from the history that no version needs and that were kept before the moment."""
    common = run_resources(run_id)
    history = history_folder(repository)
    listing = list_to_spool(history, run_id, "history")
    found = common.catalog.holdings.orphans(
        repository.address, history.address, listing, rule.before
    )
    orphans = {path: size for path, size in found if rule.allows(digest_of_path(path))}
    if not rule.dry_run and orphans:
        with STORAGES.open(history.settings, history.open_options()) as storage:
            WorkerPool(list(orphans), storage.remove, common.stop).run(THREADS)
        forget_files(history, orphans, run_id)
    return PrunedItems("history", tuple(orphans), sum(size or 0 for size in orphans.values()))


@task("prune-content")
def prune_content(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Remove files named by digest that no version needs and that were written before the moment.

    Published files stay, whoever published them, and so do recent files of a killed run.
    """
    if repository.layout is not Layout.CONTENT:
        return PrunedItems("content", ())
    common = run_resources(run_id)
    needed = set(common.catalog.holdings.needed(repository.address))
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        with suppress(ResourceNotFound):
            needed |= {
                file.etag or "" for file in files_without_gaps(ContentLayout(storage).enumerate())
            }
        paths = {content_path(digest) for digest in needed}
        old: dict[str, int] = {}
        with suppress(ResourceNotFound):
            for file in files_logging_gaps(storage.enumerate(FOLDER)):
                sha256 = digest_of_path(file.path)
                if (
                    sha256
                    and rule.allows(sha256)
                    and file.path not in paths
                    and not rule.is_recent(file)
                ):
                    old[file.path] = file.size or 0
        if not rule.dry_run:
            WorkerPool(list(old), storage.remove, common.stop).run(THREADS)
    return PrunedItems("content", tuple(old), sum(old.values()))
