"""Fetch: bring bytes into a repository that its latest version lists and that it does not store.

from flows.fetch import fetch
fetch("s3-cache", ["models/**"])
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from prefect.logging import get_run_logger

from blocks.history import history_of
from blocks.readable_repositories import readable_repositories
from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import BytesMissing, InvalidInput
from catalog.glob import globs_to_regex
from catalog.inbox.spool import Spool
from catalog.model.plan import Plan, Policy, Selection
from catalog.model.version import Origin, resource_at
from flows.forms.options import Options
from flows.forms.run_names import run_name
from flows.results.sync import SyncFailed, SyncResult, human
from flows.runs.active_run import ActiveRun
from flows.runs.alternates import alternates_of
from flows.runs.planning import execute_plan, store_plan
from flows.runs.verb import verb
from providers.interfaces.history import history_key

NAMED = 100  # paths that an error carries
FETCHING = Options(selection=Selection(allow_empty=True), listed=False)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What was fetched, and how much is catalogued only still; true when anything was fetched."""

    run_id: str
    repository: str  # label
    files: int = 0
    bytes: int = 0
    unstored: int = 0

    def __bool__(self) -> bool:
        """Say whether anything was fetched."""
        return bool(self.files)

    def summary(self) -> str:
        """Return one sentence."""
        done = f"{self.files} files fetched, {human(self.bytes)}" if self else "nothing to fetch"
        return f"{done}; {self.unstored} files are not stored" if self.unstored else done

    def __str__(self) -> str:
        """Return the sentence."""
        return f"{self.repository}: {self.summary()}"

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)


@verb("fetch", run_name)
def fetch(
    repository: Repository | str,
    paths: list[str] | None = None,
    *,
    sources: list[Repository | str] | None = None,
) -> FetchResult:
    """Bring bytes into a repository that it lists and does not store, each file verified.

    No version is made: the set is the same. A file that is not any more what was catalogued
    fails, and is not taken.

    Args:
        repository: What to complete: a repository, its block's name, a path or a URL.
        paths: Globs of the paths to fetch; everything that is missing by default.
        sources: Repositories that hold the bytes, where no stored block leads to them.

    Returns:
        What was fetched.

    Raises:
        SyncFailed: something failed; it names each item, and what arrived stays.
        BytesMissing: nothing leads to where the bytes lie; nothing was fetched.
        InvalidInput: the policy of a file is that it is never kept.
    """
    end = resolved(repository)
    given = [resolved(one) for one in sources or ()]
    with ActiveRun("fetch", history_of(end), (end,)) as run:
        result, failed = None, None
        for plan in _planned(run, end, _wanted(run, end, paths), given):
            try:
                result = execute_plan(run, plan, FETCHING, None)
            except SyncFailed as error:
                failed = error
        if failed is not None:
            raise failed
        fetched = _fetched(run, end, result)
        run.end("completed", fetched.summary())
    get_run_logger().info("%s", fetched.summary())
    return fetched


def _wanted(run: ActiveRun, end: Repository, paths: list[str] | None) -> list[Origin]:
    """Return what is to be fetched, ordered by where it lies."""
    match = re.compile(globs_to_regex(paths or ["**"]))
    found = [one for one in run.catalog.origins.all(end.address) if match.fullmatch(one.path)]
    for one in found:
        if one.policy == Policy.STREAMED:
            raise InvalidInput(
                f"{one.path!r} of {end.label!r} is under the policy 'streamed', its bytes are "
                "never kept: sync it under 'on_demand' or 'immediate'"
            )
    return sorted(found, key=lambda one: (one.origin or "", one.path))


def _planned(
    run: ActiveRun, end: Repository, wanted: list[Origin], given: list[Repository]
) -> Iterator[Plan]:
    """Yield a plan for each repository that holds wanted bytes, once it is sure there is one.

    That repository is the run's source until the next is asked for.
    """
    near = (end, *given)
    known = {
        one.address: one
        for one in readable_repositories({one.origin for one in wanted if one.origin}, near)
    }
    # What leads nowhere may lie elsewhere under its digest; without one it is lost from sight.
    lost = [one for one in wanted if one.origin not in known and one.digest is None]
    if lost:
        named = tuple(repr(one.path) for one in lost[:NAMED])
        why = f"nothing stored leads to {lost[0].origin!r}; give it among the sources"
        raise BytesMissing(run.job.run_id, why, named, len(lost))
    number = run.catalog.versions.latest(end.address).number
    held = [one for one in run.catalog.holdings.holders(end.address, number) if one != end.address]
    places = readable_repositories(held, near) if wanted else ()
    for address, rows in groupby(
        wanted, key=lambda one: one.origin if one.origin in known else None
    ):
        source = history_of(end) if address is None else known[address]
        run.job = replace(run.job, source=source, places=(*places, *alternates_of(source)))
        spool = run.catalog.spool()
        with spool:
            _spool(spool, source, rows)
            listing = spool.finish()
        yield store_plan(run, listing, FETCHING)


def _spool(spool: Spool, source: Repository, rows: Iterable[Origin]) -> None:
    for row in rows:
        standing = row.origin == source.address
        if standing and row.origin_path:
            spool.add(resource_at(row.origin_path, row, etag=row.etag), row.path)
        else:
            etag = row.etag if standing else None
            spool.add(resource_at(history_key(row.digest or ""), row, etag=etag), row.path)


def _fetched(run: ActiveRun, end: Repository, result: SyncResult | None) -> FetchResult:
    # The last result counts all of the run.
    return FetchResult(
        run.job.run_id,
        end.label,
        0 if result is None else result.added + result.replaced,
        0 if result is None else result.bytes,
        run.catalog.origins.count(end.address),
    )
