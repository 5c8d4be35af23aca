"""Enumerate a storage into a spooled listing, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from catalog.resource import Resource
from catalog.spool import Listing, Spool
from providers.base import Source
from transfer.retry import RetryPolicy, persistent
from transfer.stop import StopFlag

STEP = 1000  # resources between two looks at the stop flag


def list_whole(
    spool: Callable[[], Spool], source: Source, policy: RetryPolicy, stop: StopFlag
) -> Listing:
    """Spool every resource of `source`; a listing that breaks is begun anew, as `policy` says."""

    def once() -> Listing:
        with spool() as listing:
            for resource in watched(source.enumerate(), stop):
                listing.add(resource)
            return listing.finish()

    return persistent(once, policy, stop)[0]


def watched(resources: Iterable[Resource], stop: StopFlag) -> Iterator[Resource]:
    """Yield `resources`, looking at the stop flag now and then."""
    for count, resource in enumerate(resources):
        if count % STEP == 0:
            stop.check()
        yield resource
