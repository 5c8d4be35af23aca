"""Enumerate a storage into a spooled listing, whole or not at all.

Where a listing tells only names (a web server's pages), a file is asked for details only if
the catalog knows it: there is something to compare. A new one is fetched anyway, and tells then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from catalog.errors import ResourceNotFound, StorageError
from catalog.paths import below
from catalog.resource import Resource
from catalog.spool import Listing, Spool
from providers.base import Sketcher, Source
from transfer.lanes import Lane
from transfer.retry import RetryPolicy, persistent
from transfer.stop import StopFlag

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
            for count, resource in enumerate(listed, 1):
                listing.add(resource)
                if tell is not None and count % STEP == 0:
                    tell(count)
            return listing.finish()

    return persistent(once, policy, stop)[0]


def resources(
    source: Source, policy: RetryPolicy, stop: StopFlag, known: Known | None, prefix: str = ""
) -> Iterator[Resource]:
    """Yield every resource below `prefix`, with details where they matter."""
    sketch = source.sketch(prefix) if known and isinstance(source, Sketcher) else None
    if sketch is None or known is None:
        yield from watched(source.enumerate(prefix), stop)
        return
    names = watched(sketch, stop)
    while chunk := list(islice(names, STEP)):
        details = _details(source, [one for one in chunk if known(one.path)], policy, stop)
        yield from (one for one in chunk if one.path not in details)
        yield from (one for one in details.values() if one is not None)


def _details(
    source: Source, wanted: list[Resource], policy: RetryPolicy, stop: StopFlag
) -> dict[str, Resource | None]:
    """Ask for each of `wanted`; None for what has gone since it was listed."""
    found: dict[str, Resource | None] = {}
    tries: dict[str, int] = {}

    def ask(sketched: Resource) -> float | None:
        try:
            told = source.stat(sketched.path)
        except ResourceNotFound:
            found[sketched.path] = None
            return None
        except StorageError as error:
            tries[sketched.path] = tries.get(sketched.path, 0) + 1
            delay = policy.delay_s(tries[sketched.path], error)
            if delay is None:
                raise
            return delay
        found[sketched.path] = told if told.size is not None else replace(told, size=sketched.size)
        return None

    Lane(wanted, ask, stop).run(THREADS)
    return found


def visible(listed: Iterable[Resource], hidden: str) -> Iterable[Resource]:
    """Return what is listed without what lies below the folder `hidden`; '' hides nothing."""
    if not hidden:
        return listed
    return (resource for resource in listed if not below(hidden, resource.path))


def watched(listed: Iterable[Resource], stop: StopFlag) -> Iterator[Resource]:
    """Yield what is listed, looking at the stop flag now and then."""
    for count, resource in enumerate(listed):
        if count % STEP == 0:
            stop.check()
        yield resource
