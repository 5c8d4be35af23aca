"""Computes the digests of files that others stored in a repository, by reading them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from catalog.errors import ResourceNotFound, SizeMismatch, StorageError
from catalog.model.digest import Hasher
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.plan import Action
from catalog.model.resource import Resource
from providers.base import Source
from transfer.batch.endpoints import Endpoint
from transfer.workers.pool import WorkerPool
from transfer.workers.progress import Progress
from transfer.workers.stop import StopFlag

FILES_PER_STEP = 2000


def compute_digests(
    end: Endpoint[Source],
    listed: Iterable[Resource],
    stop: StopFlag,
    progress: Progress,
    threads: int = 64,
) -> Iterator[list[Resource]]:
    """Yield the listed files with their sha256, in steps; files that are gone by now are left out.

    Raises:
        StorageError: a file cannot be read; what was yielded before is valid.
    """
    listing = iter(listed)
    while step := list(islice(listing, FILES_PER_STEP)):
        found: dict[str, Resource] = {}
        tries: dict[str, int] = {}

        def work(
            one: Resource, found: dict[str, Resource] = found, tries: dict[str, int] = tries
        ) -> float | None:
            try:
                found[one.path] = _read_digest(end, one, stop, progress)
            except ResourceNotFound:
                return None
            except StorageError as error:
                tries[one.path] = tries.get(one.path, 0) + 1
                delay = end.retry.delay_s(tries[one.path], error)
                if delay is None:
                    raise
                return delay
            progress.count_item(failed=False)
            return None

        WorkerPool(step, work, stop).run(threads)
        yield [found[file.path] for file in step if file.path in found]


def adopted_outcomes(address: str, resources: Iterable[Resource]) -> list[Outcome]:
    """Return the outcomes that record adopted files at their location."""
    return [
        Outcome(
            address,
            resource.path,
            "",  # its origin is unknown
            Action.KEEP,
            Status.KEPT,
            Proof.STORED,
            digest=resource.digests[0].value,
            size=resource.size,
            etag=resource.etag,
            modified_us=resource.modified_us,
            content_type=resource.content_type,
        )
        for resource in resources
    ]


def _read_digest(
    end: Endpoint[Source], one: Resource, stop: StopFlag, progress: Progress
) -> Resource:
    hasher = Hasher()
    with end.limiter.connection(stop):
        reader = end.storage.read(one.path)
        try:
            for chunk in reader:
                stop.check()
                hasher.update(chunk)
                progress.count_bytes(len(chunk))
                end.limiter.throttle(len(chunk), stop)
            described = reader.resource
        finally:
            reader.close()
    if one.size is not None and one.size != hasher.size:
        raise SizeMismatch(one.path, one.size, hasher.size)
    return replace(
        one, size=hasher.size, digests=(hasher.digest(),), content_type=described.content_type
    )
