"""Frees space: removes files whose bytes were just verified to be elsewhere, and no others.

A file is removed only if another location has a file of its size with an unchanged fingerprint, and
if the file itself is unchanged since it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import ResourceNotFound, StorageError
from catalog.model.fingerprint import EtagTrust, Fingerprint
from catalog.model.version import ReclaimCandidate
from providers.base import Source, Storage
from transfer.batch.endpoints import Endpoint
from transfer.workers.pool import WorkerPool
from transfer.workers.stop import StopFlag

THREADS = 16


@dataclass(frozen=True, slots=True)
class NotReclaimed:
    """A file that was not removed, and why."""

    path: str
    why: str


def reclaim(
    end: Endpoint[Storage],
    places: Mapping[str, Endpoint[Source]],
    candidates: Sequence[ReclaimCandidate],
    stop: StopFlag,
    *,
    dry_run: bool,
) -> tuple[list[ReclaimCandidate], list[NotReclaimed]]:
    """Remove what can be fetched again from one of `places`; return removed and remaining files."""
    gone: list[ReclaimCandidate] = []
    left: list[NotReclaimed] = []
    tries: dict[str, int] = {}

    def work(one: ReclaimCandidate) -> float | None:
        try:
            why = _reason_to_stay(end, places, one, stop)
            if why is None and not dry_run:
                with end.limiter.connection(stop):
                    end.storage.remove(one.path)
        except StorageError as error:
            tries[one.path] = tries.get(one.path, 0) + 1
            delay = end.retry.delay_s(tries[one.path], error)
            if delay is not None:
                return delay
            why = str(error)
        if why is None:
            gone.append(one)
        else:
            left.append(NotReclaimed(one.path, why))
        return None

    WorkerPool(candidates, work, stop).run(THREADS)
    return sorted(gone, key=lambda one: one.path), sorted(left, key=lambda one: one.path)


def _reason_to_stay(
    end: Endpoint[Storage],
    places: Mapping[str, Endpoint[Source]],
    one: ReclaimCandidate,
    stop: StopFlag,
) -> str | None:
    """Return why a file must stay; None if it may be removed."""
    try:
        if not _is_unchanged(end, one.path, one.fingerprint, stop):
            return "it changed after it was stored"
    except ResourceNotFound:
        return "it is missing already"
    found = "no other location of its bytes can be opened"
    for copy in one.copies:
        place = places.get(copy.address)
        if place is None:
            continue
        try:
            if _is_unchanged(place, copy.path, copy.fingerprint, stop):
                return None
            found = f"{copy.address} has other bytes now"
        except StorageError as error:
            found = str(error)
    return found


def _is_unchanged(end: Endpoint[Source], path: str, marks: Fingerprint, stop: StopFlag) -> bool:
    """Say whether a file has the expected size and an unchanged fingerprint."""
    with end.limiter.connection(stop):
        now = end.storage.stat(path)
    etags = EtagTrust.FOLLOW if end.storage.capabilities.etags else EtagTrust.IGNORE
    return now.size is not None and now.size == marks.size and marks.matches(now, etags)
