"""Sync: bring every destination up to date with a source.

    from flows.sync import sync
    result = sync("https://mirror.example/data/", ["s3-archive", "/srv/data"])

List the source, plan, deliver in batches, record each destination's next version.
"""

from __future__ import annotations

from uuid import uuid4

from blocks.repository import Repository
from blocks.resolve import repository
from catalog.errors import InvalidInput
from catalog.plan import BatchLimits, Mode, OnError, PlanRequest, Selection, Strategy, Target
from catalog.settings import Settings
from flows.checks import checks as named_checks
from flows.delivery import Running
from flows.names import run_name
from flows.result import SyncFailed, SyncResult
from flows.verb import verb
from providers.cache import STORAGES
from tasks.enumerate import enumerate_repository
from tasks.plan import make_plan
from transfer.job import CleanUp, TransferOptions

MOST_BATCHES = 200  # a run's task runs stay some hundreds, however many files there are


@verb("sync", run_name)
def sync(  # noqa: PLR0913 - each is a field of the run form
    source: Repository | str,
    destinations: list[Repository | str],
    *,
    mode: Mode = Mode.ADDITIVE,
    strategy: Strategy = Strategy.DIGEST,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    skip_empty: bool = False,
    allow_empty: bool = False,
    list_destinations: bool = True,
    on_error: OnError = OnError.CONTINUE,
    allow_partial: bool = False,
    clean_up: CleanUp = CleanUp.KEEP,
    checks: list[str] | None = None,
) -> SyncResult:
    """Bring every destination up to date with a source.

    Args:
        source: Where the files come from: a repository, its block's name, a path or a URL.
        destinations: Where they go: any number of repositories, names, paths or URLs.
        mode: Whether what the source dropped is removed from the destinations (mirror) or stays.
        strategy: What makes a file count as already there.
        include: Globs of the paths that take part; none for all.
        exclude: Globs of the paths that do not take part.
        skip_empty: Leave files of zero bytes out.
        allow_empty: Go on when no file matches.
        list_destinations: Look at what the destinations hold now, beside what the catalog knows.
        on_error: Whether one failed file stops the run.
        allow_partial: Make a version at a destination although files failed there.
        clean_up: Whether files are removed at the source once every destination holds them.
        checks: Your own functions that may refuse a file, each as module:function.

    Returns:
        What was done, one row a destination.

    Raises:
        SyncFailed: something failed; it names each item, and what arrived stays.
        InvalidInput: a parameter cannot be used; nothing was touched.
    """
    origin = repository(source)
    ends = distinct([repository(one) for one in destinations])
    chosen = named_checks(checks or ())
    with Running("sync", origin, ends) as run:
        run_id = run.job.run_id
        wanted = enumerate_repository(origin, run_id, "source")
        version = run.catalog.record_listing(origin.address, wanted, run_id=run_id)
        request = PlanRequest(
            plan_id=uuid4().hex,
            source=origin.address,
            wanted=wanted.listing_id,
            targets=tuple(target(one, run_id, listed=list_destinations) for one in ends),
            mode=mode,
            strategy=strategy,
            selection=Selection(
                tuple(include or ()), tuple(exclude or ()), skip_empty, allow_empty
            ),
            limits=batch_limits(wanted.count, wanted.bytes),
            trusted=Settings().trusted_digests,
            batch_kept=clean_up is CleanUp.REMOVE,
            run_id=run_id,
        )
        plan = make_plan(request, run_id)
        options = TransferOptions(
            Settings().threads, on_error=on_error, clean_up=clean_up, keep_staged=bool(chosen)
        )
        run.how(options, chosen)
        if plan.batches:
            run.move(plan)
        result = run.finish(plan, version.number, allow_partial=allow_partial)
    if result.failures:
        raise SyncFailed(result)
    return result


def distinct(ends: list[Repository]) -> tuple[Repository, ...]:
    """Return the destinations; none at all, or one of them twice, is an error."""
    if not ends:
        raise InvalidInput("a sync needs at least one destination, found none")
    seen: set[str] = set()
    for one in ends:
        if one.address in seen:
            raise InvalidInput(f"the destination {one.label!r} is given twice")
        seen.add(one.address)
    return tuple(ends)


def target(end: Repository, run_id: str, *, listed: bool) -> Target:
    """Return a destination of a plan, with a fresh listing where that is wanted."""
    with STORAGES.opened(end.settings, end.open_options()) as storage:
        can = storage.capabilities
    if not can.writable:
        raise InvalidInput(f"{end.label!r} is read-only: it cannot be a destination")
    listing = enumerate_repository(end, run_id, "destination").listing_id if listed else None
    return Target(end.address, listing, match_etags=can.etags, tree=can.tree)


def batch_limits(count: int, size: int) -> BatchLimits:
    """Return batches of some seconds each, and not too many of them."""
    chosen = Settings()
    return BatchLimits(
        max(chosen.batch_count, -(-count // MOST_BATCHES)),
        max(chosen.batch_bytes, -(-size // MOST_BATCHES)),
    )
