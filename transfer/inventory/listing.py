"""Lists a storage into the spool: completely, or with gaps for what could not be seen.

If a listing has only names (a web server's pages), details are requested only for files that the
catalog knows, to compare them. New files are fetched anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from catalog.errors import RepositoryNotFound, ResourceNotFound, StorageError
from catalog.inbox.spool import Listing, Spool
from catalog.model.gap import Gap, Listed, gap_from_error
from catalog.model.resource import Resource
from catalog.paths import is_below
from catalog.queries.versions import Versions
from providers.base import Source, SupportsQuickListing
from transfer.workers.pool import WorkerPool
from transfer.workers.retry import RetryPolicy, call_with_retries
from transfer.workers.stop import StopFlag

STEP = 1000  # entries between two checks of the stop flag, or requested at once
THREADS = 64  # at most, for requests

Known = Callable[[str], bool]
"""Says whether the catalog knows a path of this source."""


def known_paths(versions: Versions, address: str) -> Known:
    """Return a test for paths of a repository's latest version; rarely true for another path."""
    try:
        hashes = {hash(row.path) for row in versions.content(address)}
    except RepositoryNotFound:
        hashes = set()
    return lambda path: hash(path) in hashes


def list_repository(
    spool: Callable[[], Spool],
    source: Source,
    policy: RetryPolicy,
    stop: StopFlag,
    known: Known | None = None,
    hidden: str = "",
    tell: Callable[[int], None] | None = None,
) -> Listing:
    """Spool every resource of `source`; a failed listing is repeated, as `policy` says.

    The folder `hidden` is left out. `tell` is called now and then with the count so far.
    """

    def once() -> Listing:
        with spool() as listing:
            listed = without_hidden(list_resources(source, policy, stop, known), hidden)
            for count, entry in enumerate(listed, 1):
                listing.add_entry(entry)
                if tell is not None and count % STEP == 0:
                    tell(count)
            return listing.finish()

    return call_with_retries(once, policy, stop)[0]


def list_resources(
    source: Source, policy: RetryPolicy, stop: StopFlag, known: Known | None, prefix: str = ""
) -> Iterator[Listed]:
    """Yield every resource below `prefix`, with details if they matter, and every gap."""
    sketch = (
        source.list_names(prefix) if known and isinstance(source, SupportsQuickListing) else None
    )
    if sketch is None or known is None or not isinstance(source, SupportsQuickListing):
        yield from checking_stop(source.enumerate(prefix), stop)
        return
    names = checking_stop(sketch, stop)
    while chunk := list(islice(names, STEP)):
        wanted = [one for one in chunk if isinstance(one, Resource) and known(one.path)]
        details = _stat_all(source, wanted, policy, stop)
        yield from (one for one in chunk if one.path not in details or isinstance(one, Gap))
        yield from (one for one in details.values() if one is not None)


def _stat_all(
    source: SupportsQuickListing, wanted: list[Resource], policy: RetryPolicy, stop: StopFlag
) -> dict[str, Listed | None]:
    """Request the details of `wanted`; None for files that are gone, a gap for failed requests."""
    details: dict[str, Listed | None] = {}
    tries: dict[str, int] = {}

    def ask(sketched: Resource) -> float | None:
        path = sketched.path
        try:
            resource = source.stat(path)
        except ResourceNotFound as error:
            still = source.is_listed(path)
            details[path] = gap_from_error(error, path, below=False) if still else None
            return None
        except StorageError as error:
            tries[path] = tries.get(path, 0) + 1
            delay = policy.delay_s(tries[path], error)
            if delay is None:
                details[path] = gap_from_error(error, path, below=False)
            return delay
        details[path] = (
            resource if resource.size is not None else replace(resource, size=sketched.size)
        )
        return None

    WorkerPool(wanted, ask, stop).run(THREADS)
    return details


def without_hidden(listed: Iterable[Listed], hidden: str) -> Iterable[Listed]:
    """Return the entries outside the folder `hidden`; '' hides nothing."""
    if not hidden:
        return listed
    return (entry for entry in listed if not is_below(hidden, entry.path))


def checking_stop(listed: Iterable[Listed], stop: StopFlag) -> Iterator[Listed]:
    """Yield the entries, checking the stop flag now and then."""
    for count, entry in enumerate(listed):
        if count % STEP == 0:
            stop.check()
        yield entry
