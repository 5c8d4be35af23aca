"""Fetch: download files that a repository's latest version lists but does not store.

from flows.fetch import fetch
fetch("s3-cache", ["models/**"])
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from blocks.readable_repositories import readable_repositories
from blocks.repository import Repository
from blocks.reserved_folders import history_folder
from blocks.resolve import repository as resolved
from catalog.errors import BytesMissing, InvalidInput
from catalog.formats.quantities import format_bytes
from catalog.glob import globs_to_regex
from catalog.inbox.spool import Spool
from catalog.model.plan import Plan, Policy, Selection
from catalog.model.version import Origin, resource_at
from flows.forms.options import Options
from flows.forms.run_names import run_name
from flows.results.sync import SyncFailed, SyncResult
from flows.runs.active_run import ActiveRun
from flows.runs.alternates import alternates_of
from flows.runs.planning import execute_plan, store_plan
from flows.runs.verb import verb
from orchestration.run import run_logger
from providers.interfaces.history import history_key

MAX_NAMED = 100  # paths in an error
FETCHING = Options(selection=Selection(allow_empty=True), listed=False)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What was fetched, and how many files are still not stored; true if anything was fetched."""

    run_id: str
    repository: str  # label
    files: int = 0
    bytes: int = 0
    unstored: int = 0

    def __bool__(self) -> bool:
        """Return whether anything was fetched."""
        return bool(self.files)

    def summary(self) -> str:
        """Return one sentence."""
        done = (
            f"{self.files:,} files fetched, {format_bytes(self.bytes)}"
            if self
            else "nothing to fetch"
        )
        return f"{done}; {self.unstored:,} files are not stored" if self.unstored else done

    def __str__(self) -> str:
        """Return the sentence."""
        return f"{self.repository}: {self.summary()}"

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)


@verb("fetch", run_name)
def fetch(
    repository: Repository | str,
    paths: list[str] | None = None,
    *,
    sources: list[Repository | str] | None = None,
) -> FetchResult:
    """Download files that a repository lists but does not store, and verify each.

    No version is created, since the content does not change. A file that has changed since it was
    catalogued fails and is not stored.

    Args:
        repository: The repository to complete: a repository, its block's name, a path or a URL.
        paths: Globs of the paths to fetch; by default everything that is not stored.
        sources: More repositories that have the bytes, besides the stored ones.

    Returns:
        What was fetched.

    Raises:
        SyncFailed: files failed; the error names them, and delivered files stay.
        BytesMissing: some bytes cannot be found; nothing was fetched.
        InvalidInput: a file has the policy `streamed`, under which it is never stored.
    """
    end = resolved(repository)
    given = [resolved(reference) for reference in sources or ()]
    with ActiveRun("fetch", history_folder(end), (end,)) as run:
        result, failed = None, None
        for plan in _plan_fetches(run, end, _select_unstored(run, end, paths), given):
            try:
                result = execute_plan(run, plan, FETCHING, None)
            except SyncFailed as error:
                failed = error
        if failed is not None:
            raise failed
        fetched = _create_result(run, end, result)
        run.end("completed", fetched.summary())
    run_logger().info("%s", fetched.summary())
    return fetched


def _select_unstored(run: ActiveRun, end: Repository, paths: list[str] | None) -> list[Origin]:
    """Return the files to fetch, ordered by their origin."""
    pattern = re.compile(globs_to_regex(paths or ["**"]))
    rows = [row for row in run.catalog.origins.all(end.address) if pattern.fullmatch(row.path)]
    for row in rows:
        if row.policy == Policy.STREAMED:
            raise InvalidInput(
                f"{row.path!r} of {end.label!r} has the policy 'streamed', under which it is "
                "never stored: sync it with the policy 'on_demand' or 'immediate' first"
            )
    return sorted(rows, key=lambda row: (row.origin or "", row.path))


def _plan_fetches(
    run: ActiveRun, end: Repository, wanted: list[Origin], given: list[Repository]
) -> Iterator[Plan]:
    """Yield a plan for each repository that has wanted bytes, after checking that all can be found.

    That repository is the run's source until the next plan is requested.
    """
    near = (end, *given)
    origins = readable_repositories({row.origin for row in wanted if row.origin}, near)
    known = {repository.address: repository for repository in origins}
    # A file with a digest may be found elsewhere; one without can only be read at its origin.
    lost = [row for row in wanted if row.origin not in known and row.digest is None]
    if lost:
        named = tuple(repr(row.path) for row in lost[:MAX_NAMED])
        why = f"no stored block has the address {lost[0].origin!r}; add it to `sources`"
        raise BytesMissing(run.job.run_id, why, named, len(lost))
    number = run.catalog.versions.latest(end.address).number
    holders = run.catalog.holdings.holders(end.address, number)
    others = [address for address in holders if address != end.address]
    places = readable_repositories(others, near) if wanted else ()
    for address, rows in groupby(
        wanted, key=lambda row: row.origin if row.origin in known else None
    ):
        source = history_folder(end) if address is None else known[address]
        run.job = replace(run.job, source=source, places=(*places, *alternates_of(source)))
        spool = run.catalog.spool()
        with spool:
            _spool_rows(spool, source, rows)
            listing = spool.finish()
        yield store_plan(run, listing, FETCHING)


def _spool_rows(spool: Spool, source: Repository, rows: Iterable[Origin]) -> None:
    for row in rows:
        at_origin = row.origin == source.address
        if at_origin and row.origin_path:
            spool.add(resource_at(row.origin_path, row, etag=row.etag), row.path)
        else:
            etag = row.etag if at_origin else None
            spool.add(resource_at(history_key(row.digest or ""), row, etag=etag), row.path)


def _create_result(run: ActiveRun, end: Repository, result: SyncResult | None) -> FetchResult:
    # The last result has the totals of the whole run.
    return FetchResult(
        run.job.run_id,
        end.label,
        0 if result is None else result.added + result.replaced,
        0 if result is None else result.bytes,
        run.catalog.origins.count(end.address),
    )
