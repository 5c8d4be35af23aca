"""Publish: let readers of a destination see its latest version, the whole of it in one step."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from prefect import task
from prefect.cache_policies import NO_CACHE

from blocks.repository import Layout, Repository
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.formats.manifest import CURRENT
from catalog.model.version import ContentRow, Version
from providers.base import Storage
from providers.cache import STORAGES
from providers.layouts.numbered_names import is_number, number_key
from tasks.job import run_resources
from transfer.destination.publish import publish_manifest, published_title
from transfer.workers.retry import persistent

_TITLE = re.compile(r"(# entrepot version \d+ run \S+ catalog (\d+))(?: numbers \d+)?")


def publish(repository: Repository, run_id: str) -> bool:
    """Show the latest version where the layout has sets, if another is shown; say whether."""
    if repository.layout is Layout.PATH:
        return False
    latest = run_resources(run_id).catalog.versions.latest(repository.address)
    return publish_version(repository, latest, run_id)


@task(task_run_name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish_version(repository: Repository, version: Version, run_id: str) -> bool:
    """Show a version whose every file lies at the repository; false where it is shown already."""
    common = run_resources(run_id)
    catalog = common.catalog
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        policy = repository.retry_policy()
        before = persistent(lambda: _shown(storage, repository, catalog), policy, common.stop)[0]
        title = _title(repository, version, catalog)
        if before == title or (before is None and version.number == 0):
            return False
        lacking = catalog.holdings.missing(repository.address, version.number)
        if lacking and not (before and _set_of(before) == _set_of(title)):
            raise InvalidInput(
                f"version {version.number} of {repository.label!r} is not shown: "
                f"{lacking[0]!r} of it does not lie there"
            )

        def once() -> int:
            rows = map(
                _named(repository), catalog.versions.content(repository.address, version.number)
            )
            return publish_manifest(storage, title, rows, common.stop)

        persistent(once, policy, common.stop)
    return True


def check_shown(repository: Repository, run_id: str) -> None:
    """Refuse a destination that shows the set of another catalog: it would be lost."""
    if repository.layout is Layout.PATH:
        return
    common = run_resources(run_id)
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        persistent(
            lambda: _shown(storage, repository, common.catalog),
            repository.retry_policy(),
            common.stop,
        )


def _title(repository: Repository, version: Version, catalog: Catalog) -> str:
    seen = catalog.repositories.first_seen_us(version.address)
    title = f"# entrepot version {version.number} run {version.run_id or '-'} catalog {seen}"
    if repository.layout is Layout.VERSIONED:  # a version that was mended has other numbers
        return f"{title} numbers {catalog.holdings.sum_of_numbers(version.address, version.number)}"
    return title


def _set_of(title: str) -> str:
    """Return the part of a title that names a set, whatever names its files bear."""
    match = _TITLE.fullmatch(title)
    return title if match is None else match[1]


def _named(repository: Repository) -> Callable[[ContentRow], ContentRow]:
    """Return how the rows of a version are named in `current`."""
    return _by_number if repository.layout is Layout.VERSIONED else _by_path


def _by_path(row: ContentRow) -> ContentRow:
    return row


def _by_number(row: ContentRow) -> ContentRow:
    if row.etag is None or not is_number(row.etag):
        raise InvalidInput(f"{row.path!r} cannot be shown: it was not stored under a number")
    return replace(row, path=number_key(row.path, row.etag))


def _shown(storage: Storage, repository: Repository, catalog: Catalog) -> str | None:
    """Return the title of the set that is shown; one that this catalog did not show is an error."""
    title = published_title(storage)
    if title is None:
        return None
    match = _TITLE.fullmatch(title)
    if match is None or int(match[2]) != catalog.repositories.first_seen_us(repository.address):
        raise InvalidInput(
            f"{CURRENT!r} of {repository.label!r} was not written with this catalog, which would "
            f"replace it by its own set: found {title[:80]!r}; remove that file to go on"
        )
    return title
