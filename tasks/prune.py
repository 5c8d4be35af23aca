"""Prune: find and remove what a repository holds besides its files and needs no more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks.history import history_of
from blocks.repository import Layout, Repository
from catalog.errors import ResourceNotFound
from catalog.paths import RESERVED
from catalog.resource import Resource
from providers.by_digest import FOLDER, content_path, digest_in
from providers.cache import STORAGES
from providers.content_layout import ContentLayout
from providers.unfinished import Uploader
from tasks.enumerate import enumerate_repository
from tasks.forget import forget_files
from tasks.job import shared
from transfer.lanes import Lane

TEMPORARY = f"{RESERVED}/tmp"  # noqa: S108 - below the root of the repository
THREADS = 16


@dataclass(frozen=True, slots=True)
class Rule:
    """What may go: things from before a moment; of bytes, only those of some digests if told."""

    before: datetime
    dry_run: bool = False
    only: frozenset[str] | None = None  # sha256 in hex

    def takes(self, sha256: str | None) -> bool:
        """Say whether bytes with a digest are among those that may go."""
        return self.only is None or sha256 in self.only

    def young(self, one: Resource) -> bool:
        """Say whether a file is told to be written since the moment."""
        return one.modified_us is not None and one.modified_us >= self.before.timestamp() * 1e6


@dataclass(frozen=True, slots=True)
class Rubbish:
    """Things of one kind that are no longer needed; `bytes` where their sizes are told."""

    kind: str
    names: tuple[str, ...]
    bytes: int = 0


@task(task_run_name="prune-temporary-files", cache_policy=NO_CACHE, persist_result=False)
def prune_temporary(repository: Repository, rule: Rule, run_id: str) -> Rubbish:
    """Remove temporary files that were last written before a moment: their writers are dead."""
    stop = shared(run_id).stop
    settings = repository.settings.below(TEMPORARY)
    with STORAGES.opened(settings, repository.open_options()) as storage:
        try:
            old = [
                one
                for one in storage.enumerate()
                if one.modified_us is not None and one.modified_us < rule.before.timestamp() * 1e6
            ]
        except ResourceNotFound:
            old = []
        if not rule.dry_run:
            Lane(old, lambda one: storage.remove(one.path), stop).run(THREADS)
    return Rubbish(
        "temporary files", tuple(one.path for one in old), sum(one.size or 0 for one in old)
    )


@task(task_run_name="prune-uploads", cache_policy=NO_CACHE, persist_result=False)
def prune_uploads(repository: Repository, rule: Rule, run_id: str) -> Rubbish:
    """Give up uploads that were begun before a moment and never finished."""
    stop = shared(run_id).stop
    with STORAGES.opened(repository.settings, repository.open_options()) as storage:
        if not isinstance(storage, Uploader):
            return Rubbish("unfinished uploads", ())
        uploads = storage.uploads()
        old = [one for one in uploads.unfinished() if one.began_us < rule.before.timestamp() * 1e6]
        if not rule.dry_run:
            Lane(old, uploads.give_up, stop).run(THREADS)
    return Rubbish("unfinished uploads", tuple(one.path for one in old))


@task(task_run_name="prune-history", cache_policy=NO_CACHE, persist_result=False)
def prune_history(repository: Repository, rule: Rule, run_id: str) -> Rubbish:
    """Remove from the history what no version needs and what was kept before a moment."""
    common = shared(run_id)
    history = history_of(repository)
    listing = enumerate_repository(history, run_id, "history")
    found = common.catalog.orphans(repository.address, history.address, listing, rule.before)
    orphans = {path: size for path, size in found if rule.takes(digest_in(path))}
    if not rule.dry_run and orphans:
        with STORAGES.opened(history.settings, history.open_options()) as storage:
            Lane(list(orphans), storage.remove, common.stop).run(THREADS)
        forget_files(history, orphans, run_id)
    return Rubbish("history", tuple(orphans), sum(size or 0 for size in orphans.values()))


@task(task_run_name="prune-content", cache_policy=NO_CACHE, persist_result=False)
def prune_content(repository: Repository, rule: Rule, run_id: str) -> Rubbish:
    """Remove files named by digest that no version needs and that were written before a moment.

    What is shown stays, whoever showed it, and what a killed run stored waits for the next one.
    """
    if repository.layout is not Layout.CONTENT:
        return Rubbish("content", ())
    common = shared(run_id)
    needed = set(common.catalog.needed(repository.address))
    with STORAGES.opened(repository.settings, repository.open_options()) as storage:
        with suppress(ResourceNotFound):
            needed |= {one.etag or "" for one in ContentLayout(storage).enumerate()}
        paths = {content_path(digest) for digest in needed}
        old: dict[str, int] = {}
        with suppress(ResourceNotFound):
            for one in storage.enumerate(FOLDER):
                sha256 = digest_in(one.path)
                if sha256 and rule.takes(sha256) and one.path not in paths and not rule.young(one):
                    old[one.path] = one.size or 0
        if not rule.dry_run:
            Lane(list(old), storage.remove, common.stop).run(THREADS)
    return Rubbish("content", tuple(old), sum(old.values()))
