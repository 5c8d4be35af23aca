"""Enumerate a storage into a spooled listing: whole, or with what could not be seen as gaps.

Where a listing tells only names (a web server's pages), a file is asked for details only if
the catalog knows it: there is something to compare. A new one is fetched anyway, and tells then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from catalog.errors import ResourceNotFound, StorageError
from catalog.inbox.spool import Listing, Spool
from catalog.model.gap import Gap, Listed, gap_of
from catalog.model.resource import Resource
from catalog.paths import below
from providers.base import Source, SupportsQuickListing
from transfer.workers.pool import WorkerPool
from transfer.workers.retry import RetryPolicy, persistent
from transfer.workers.stop import StopFlag

STEP = 1000  # resources between two looks at the stop flag, or asked for together
THREADS = 64  # at most, for asking

Known = Callable[[str], bool]
"""Say whether the catalog knows a path of this source."""


def list_whole(
    spool: Callable[[], Spool],
    source: Source,
    policy: RetryPolicy,
    stop: StopFlag,
    known: Known | None = None,
    hidden: str = "",
    tell: Callable[[int], None] | None = None,
) -> Listing:
    """Spool every resource of `source`; a listing that breaks is begun anew, as `policy` says.

    What lies below the folder `hidden` is left out. `tell` hears now and then how many there are
    so far.
    """

    def once() -> Listing:
        with spool() as listing:
            listed = visible(resources(source, policy, stop, known), hidden)
            for count, one in enumerate(listed, 1):
                listing.take(one)
                if tell is not None and count % STEP == 0:
                    tell(count)
            return listing.finish()

    return persistent(once, policy, stop)[0]


def resources(
    source: Source, policy: RetryPolicy, stop: StopFlag, known: Known | None, prefix: str = ""
) -> Iterator[Listed]:
    """Yield every resource below `prefix`, with details where they matter, and every gap."""
    quick = source if known and isinstance(source, SupportsQuickListing) else None
    listed = None if quick is None else quick.list_names(prefix)
    if listed is None or known is None or quick is None:
        yield from watched(source.enumerate(prefix), stop)
        return
    names = watched(listed, stop)
    while chunk := list(islice(names, STEP)):
        wanted = [one for one in chunk if isinstance(one, Resource) and known(one.path)]
        details = _details(quick, wanted, policy, stop)
        yield from (one for one in chunk if one.path not in details or isinstance(one, Gap))
        yield from (one for one in details.values() if one is not None)


def _details(
    source: SupportsQuickListing, wanted: list[Resource], policy: RetryPolicy, stop: StopFlag
) -> dict[str, Listed | None]:
    """Ask for each of `wanted`; None for what is not listed any more, a gap for what is untold."""
    found: dict[str, Listed | None] = {}
    tries: dict[str, int] = {}

    def ask(sketched: Resource) -> float | None:
        path = sketched.path
        try:
            told = source.stat(path)
        except ResourceNotFound as error:
            still = source.is_listed(path)
            found[path] = gap_of(error, path, below=False) if still else None
            return None
        except StorageError as error:
            tries[path] = tries.get(path, 0) + 1
            delay = policy.delay_s(tries[path], error)
            if delay is None:
                found[path] = gap_of(error, path, below=False)
            return delay
        found[path] = told if told.size is not None else replace(told, size=sketched.size)
        return None

    WorkerPool(wanted, ask, stop).run(THREADS)
    return found


def visible(listed: Iterable[Listed], hidden: str) -> Iterable[Listed]:
    """Return what is listed without what lies below the folder `hidden`; '' hides nothing."""
    if not hidden:
        return listed
    return (one for one in listed if not below(hidden, one.path))


def watched(listed: Iterable[Listed], stop: StopFlag) -> Iterator[Listed]:
    """Yield what is listed, looking at the stop flag now and then."""
    for count, one in enumerate(listed):
        if count % STEP == 0:
            stop.check()
        yield one
