"""Give space back: remove files whose bytes were just seen to lie elsewhere, and no other.

A file goes only when another place holds a file of its size that still bears the marks it had when
its bytes were known, and when what stands here is still what was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import ResourceNotFound, StorageError
from catalog.model.fingerprint import EtagTrust, Fingerprint
from catalog.model.reclaim_candidate import ReclaimCandidate
from providers.base import Source, Storage
from transfer.batch.endpoints import End
from transfer.workers.pool import WorkerPool
from transfer.workers.stop import StopFlag

THREADS = 16


@dataclass(frozen=True, slots=True)
class NotReclaimed:
    """A file that stayed, and why."""

    path: str
    why: str


def reclaim(
    end: End[Storage],
    places: Mapping[str, End[Source]],
    candidates: Sequence[ReclaimCandidate],
    stop: StopFlag,
    *,
    dry_run: bool,
) -> tuple[list[ReclaimCandidate], list[NotReclaimed]]:
    """Remove what can be fetched again from one of `places`; return what went and what stayed."""
    gone: list[ReclaimCandidate] = []
    left: list[NotReclaimed] = []
    tries: dict[str, int] = {}

    def work(one: ReclaimCandidate) -> float | None:
        try:
            why = _reason_to_stay(end, places, one, stop)
            if why is None and not dry_run:
                with end.gate.connection(stop):
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
    end: End[Storage], places: Mapping[str, End[Source]], one: ReclaimCandidate, stop: StopFlag
) -> str | None:
    """Return why a file must stay; None where it may go."""
    try:
        if not _is_unchanged(end, one.path, one.fingerprint, stop):
            return "it is not what was stored"
    except ResourceNotFound:
        return "it is gone already"
    found = "no other place can be reached"
    for copy in one.copies:
        place = places.get(copy.address)
        if place is None:
            continue
        try:
            if _is_unchanged(place, copy.path, copy.fingerprint, stop):
                return None
            found = f"{copy.address} holds other bytes now"
        except StorageError as error:
            found = str(error)
    return found


def _is_unchanged(end: End[Source], path: str, marks: Fingerprint, stop: StopFlag) -> bool:
    """Say whether a file stands there: of that size, told by the storage, and with those marks."""
    with end.gate.connection(stop):
        now = end.storage.stat(path)
    etags = EtagTrust.FOLLOW if end.storage.capabilities.etags else EtagTrust.IGNORE
    return now.size is not None and now.size == marks.size and marks.matches(now, etags)
