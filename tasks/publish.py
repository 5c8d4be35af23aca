"""Publish: show readers of a destination its latest version, all of it in one step."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from blocks.repository import Layout, Repository
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.formats.manifest import CURRENT
from catalog.model.version import ContentRow, Version
from orchestration.task import task
from providers.base import Storage
from providers.connection_cache import STORAGES
from providers.layouts.numbered_names import is_number, number_key
from tasks.job import run_resources
from transfer.destination.publish import publish_manifest, published_title
from transfer.workers.retry import call_with_retries

_TITLE = re.compile(r"(# entrepot version \d+ run \S+ catalog (\d+))(?: numbers \d+)?")


def publish(repository: Repository, run_id: str) -> bool:
    """Publish the latest version if the layout supports it; say whether anything changed."""
    if repository.layout is Layout.PATH:
        return False
    latest = run_resources(run_id).catalog.versions.latest(repository.address)
    return publish_version(repository, latest, run_id)


@task("publish")
def publish_version(repository: Repository, version: Version, run_id: str) -> bool:
    """Publish a version whose files are all in the repository; false if it is published already."""
    common = run_resources(run_id)
    catalog = common.catalog
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        policy = repository.retry_policy()
        before = call_with_retries(
            lambda: _published_title(storage, repository, catalog), policy, common.stop
        )[0]
        title = _title(repository, version, catalog)
        if before == title or (before is None and version.number == 0):
            return False
        lacking = catalog.holdings.missing(repository.address, version.number)
        if lacking and not (before and _set_title(before) == _set_title(title)):
            raise InvalidInput(
                f"version {version.number} of {repository.label!r} cannot be published: "
                f"its file {lacking[0]!r} is missing there; repair the repository first"
            )

        def once() -> int:
            rows = map(
                _row_naming(repository),
                catalog.versions.content(repository.address, version.number),
            )
            return publish_manifest(storage, title, rows, common.stop)

        call_with_retries(once, policy, common.stop)
    return True


def check_published(repository: Repository, run_id: str) -> None:
    """Refuse a destination that was published with another catalog: that version would be lost."""
    if repository.layout is Layout.PATH:
        return
    common = run_resources(run_id)
    with STORAGES.open(repository.settings, repository.open_options()) as storage:
        call_with_retries(
            lambda: _published_title(storage, repository, common.catalog),
            repository.retry_policy(),
            common.stop,
        )


def _title(repository: Repository, version: Version, catalog: Catalog) -> str:
    seen = catalog.repositories.first_seen_us(version.address)
    title = f"# entrepot version {version.number} run {version.run_id or '-'} catalog {seen}"
    if repository.layout is Layout.VERSIONED:  # a repair changes the numbers of a version
        return f"{title} numbers {catalog.holdings.sum_of_numbers(version.address, version.number)}"
    return title


def _set_title(title: str) -> str:
    """Return the part of a title that identifies the version, without its numbers."""
    match = _TITLE.fullmatch(title)
    return title if match is None else match[1]


def _row_naming(repository: Repository) -> Callable[[ContentRow], ContentRow]:
    """Return how to name the rows of a version in `current`."""
    return _by_number if repository.layout is Layout.VERSIONED else _by_path


def _by_path(row: ContentRow) -> ContentRow:
    return row


def _by_number(row: ContentRow) -> ContentRow:
    if row.etag is None or not is_number(row.etag):
        raise InvalidInput(f"{row.path!r} cannot be published: it was not stored with a number")
    return replace(row, path=number_key(row.path, row.etag))


def _published_title(storage: Storage, repository: Repository, catalog: Catalog) -> str | None:
    """Return the title of the published version; one from another catalog is an error."""
    title = published_title(storage)
    if title is None:
        return None
    match = _TITLE.fullmatch(title)
    if match is None or int(match[2]) != catalog.repositories.first_seen_us(repository.address):
        raise InvalidInput(
            f"{CURRENT!r} of {repository.label!r} was written with another catalog and would be "
            f"replaced: found {title[:80]!r}; remove that file to go on"
        )
    return title
