"""Prune numbers: remove numbered files that no version of a repository needs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from blocks.repository import Layout, Repository
from blocks.reserved_folders import numbered_folder
from catalog.catalog import Catalog
from catalog.errors import ResourceNotFound
from catalog.model.resource import Resource
from orchestration.task import task
from providers.connection_cache import STORAGES
from providers.layouts.numbered_names import number_key, split_numbered_path
from providers.layouts.versioned import VersionedLayout
from tasks.cleanup.prune import (
    THREADS,
    PrunedItems,
    PruneRule,
    files_logging_gaps,
    files_without_gaps,
)
from tasks.job import run_resources
from tasks.recorded_files import forget_files
from transfer.workers.pool import WorkerPool


@task("prune-numbers")
def prune_numbers(repository: Repository, rule: PruneRule, run_id: str) -> PrunedItems:
    """Remove numbered files that no version needs and that were written before the moment.

    Published files stay, whoever published them. So does the highest number of a path in any
    version, since it must not be used again, and a file that only looks numbered, since the catalog
    does not know its path.
    """
    if repository.layout is not Layout.VERSIONED:
        return PrunedItems("numbered files", ())
    common, numbers = run_resources(run_id), numbered_folder(repository)
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        needs = _NeededNumbers(common.catalog, repository)
        with suppress(ResourceNotFound):
            needs.add(
                (file.path, file.etag or "")
                for file in files_without_gaps(VersionedLayout(storage).enumerate())
            )
        old: dict[str, int] = {}
        with suppress(ResourceNotFound):
            for file in files_logging_gaps(storage.enumerate()):
                if needs.is_unneeded(file) and not rule.is_recent(file):
                    old[file.path] = file.size or 0
        for key in filter(needs.is_highest, list(old)):
            del old[key]
        if rule.only is not None:
            held = common.catalog.holdings.all(numbers.address)
            chosen = {one.path for one in held if rule.allows(one.digest)}
            old = {key: size for key, size in old.items() if key in chosen}
        if not rule.dry_run:
            WorkerPool(list(old), storage.remove, common.stop).run(THREADS)
            forget_files(numbers, old, run_id)
    return PrunedItems("numbered files", tuple(old), sum(old.values()))


class _NeededNumbers:
    """The numbered files that the versions of a repository need, as hashes of their names."""

    def __init__(self, catalog: Catalog, repository: Repository) -> None:
        self._keys: set[int] = set()
        self._highest: dict[int, int] = {}  # of each path in a version
        self.add(catalog.holdings.etags(repository.address))
        named = (
            split_numbered_path(one.path)
            for one in catalog.holdings.all(numbered_folder(repository).address)
        )
        self._known = {*self._highest, *(hash(one[0]) for one in named if one is not None)}

    def add(self, marks: Iterable[tuple[str, str]]) -> None:
        """Add needed numbers of paths."""
        for path, number in marks:
            self._keys.add(hash(number_key(path, number)))
            self._highest[hash(path)] = -1

    def is_unneeded(self, one: Resource) -> bool:
        """Say whether no version needs a file, and record its number."""
        found = split_numbered_path(one.path)
        if found is None:
            return False
        name, number = hash(found[0]), int(found[1])
        if name in self._highest:
            self._highest[name] = max(number, self._highest[name])
        return name in self._known and hash(one.path) not in self._keys

    def is_highest(self, key: str) -> bool:
        """Say whether a file has the highest number seen of a path in a version."""
        found = split_numbered_path(key)
        return found is not None and self._highest.get(hash(found[0])) == int(found[1])
