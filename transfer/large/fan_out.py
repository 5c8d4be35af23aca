"""Fan-out of large files: one read, hashed once, written to all destinations at the same time.

An interrupted read resumes after the last hashed byte, pinned to the same etag. A failed
destination is dropped while the others go on, and is written afterwards from one that succeeded, so
that the source is read once. Nothing is committed before the digest of all bytes is verified.
"""

from __future__ import annotations

from contextlib import ExitStack

from catalog.errors import Cancelled, CatalogError, SizeMismatch, StorageError
from catalog.model.plan import OnError
from providers.base import Chunk, Copier, Writer
from transfer.batch.staging import MEMORY_RETRY_S, Staging, Transfer
from transfer.destination.deduplication import unchanged_copy, upload_attributes
from transfer.destination.history import keep_and_commit, keep_before_writing, keep_previous
from transfer.large.stream import Stream
from transfer.locate.known_copies import copy_origin, known_copies
from transfer.locate.source_failover import source_of, switch_source


def copy_to_all(staging: Staging, transfer: Transfer) -> float | None:
    """Transfer one large file; return None when it is settled, or the seconds until a retry."""
    delivery = staging.delivery
    if delivery.options.on_error is OnError.FAIL and delivery.progress.failed:
        return None
    room = _buffer_bytes(staging, transfer)
    if not delivery.budget.take(room):
        return MEMORY_RETRY_S
    try:
        broken = _transfer(staging, transfer)
    except StorageError as error:
        places = 0 if transfer.redirected else len(list(known_copies(delivery, transfer.item)))
        if transfer.digest is None and transfer.attempts <= places:
            return 0.0  # the catalog's record was outdated: try the next copy, finally the source
        delay = source_of(delivery, transfer).retry.delay_s(
            max(1, transfer.attempts - places), error
        )
        if delay is None and switch_source(delivery, transfer, error):
            return 0.0
        if delay is None:
            staging.fail(transfer, error)
        return delay
    finally:
        delivery.budget.release(room)
    longest: float | None = None
    for number, failure in broken.items():
        delay = None
        if isinstance(failure, StorageError):
            transfer.failed_tries[number] = transfer.failed_tries.get(number, 0) + 1
            delay = delivery.destinations[number].retry.delay_s(
                transfer.failed_tries[number], failure
            )
        if delay is None:
            staging.settle_failed(transfer, number, failure)
        else:
            longest = max(longest or 0.0, delay)
    return longest


def _buffer_bytes(staging: Staging, transfer: Transfer) -> int:
    """Return the most memory that the reader and the writers of a transfer need, in bytes."""
    delivery = staging.delivery
    ends = [delivery.destinations[number] for number, _ in transfer.open_targets()]
    writers = sum(end.storage.capabilities.writing(transfer.item.size) for end in ends)
    return source_of(delivery, transfer).storage.capabilities.read_buffer + writers


def _transfer(staging: Staging, transfer: Transfer) -> dict[int, CatalogError]:
    """Read once, write everywhere, commit what succeeded; return the errors by destination."""
    delivery = staging.delivery
    broken: dict[int, CatalogError] = {}
    writers: dict[int, Writer] = {}
    copying: list[int] = []
    stream = Stream(staging, transfer)
    limiters = ExitStack()
    try:
        ends = [delivery.destinations[number] for number, _ in transfer.open_targets()]
        for end in sorted(ends, key=lambda one: one.address):  # a fixed order prevents deadlocks
            limiters.enter_context(end.limiter.connection(delivery.stop))
        stream.begin()
        for number, _ in transfer.open_targets():
            storage = delivery.destinations[number].storage
            if copy_origin(delivery, transfer, storage) is not None:
                copying.append(number)
                continue
            try:
                keep_before_writing(staging, transfer, number)
                writers[number] = storage.write(
                    transfer.item.path, upload_attributes(transfer, storage), size=stream.size
                )
            except Cancelled:
                raise
            except CatalogError as error:
                broken[number] = error
        if writers or copying:
            stream.keep_parts(writers.values())
            for chunk in stream:
                _write_all(staging, chunk, writers, broken)
                if not writers and not copying:
                    return broken
            stream.check()
        for number in copying:
            _copy(staging, transfer, number, broken)
        for number in list(writers):
            _commit_one(staging, transfer, number, writers, broken)
    finally:
        stream.close()
        for writer in writers.values():
            writer.abort()
        limiters.close()
    return broken


def _write_all(
    staging: Staging, chunk: Chunk, writers: dict[int, Writer], broken: dict[int, CatalogError]
) -> None:
    for number in list(writers):
        try:
            writers[number].write(chunk)
            staging.delivery.destinations[number].limiter.throttle(
                len(chunk), staging.delivery.stop
            )
        except StorageError as error:
            staging.delivery.destinations[number].limiter.record_result(error)
            broken[number] = error
            writers.pop(number).abort()


def _copy(
    staging: Staging, transfer: Transfer, number: int, broken: dict[int, CatalogError]
) -> None:
    storage = staging.delivery.destinations[number].storage
    origin = copy_origin(staging.delivery, transfer, storage)
    if origin is None or not isinstance(storage, Copier):
        return
    source, path, etag = origin
    try:
        keep_previous(staging, transfer, number)
        stored = storage.copy_from(source, path, transfer.item.path, etag=etag)
        if stored is None:
            raise SizeMismatch(transfer.item.path, transfer.size, 0)
        if stored.size != transfer.size:
            storage.remove(transfer.item.path)
            raise SizeMismatch(transfer.item.path, transfer.size, stored.size)
    except Cancelled:
        raise
    except CatalogError as error:
        broken[number] = error
        return
    staging.settle_stored(transfer, number, stored)


def _commit_one(
    staging: Staging,
    transfer: Transfer,
    number: int,
    writers: dict[int, Writer],
    broken: dict[int, CatalogError],
) -> None:
    writer = writers[number]
    storage = staging.delivery.destinations[number].storage
    try:
        same = unchanged_copy(staging.delivery, transfer, number)
        if same is not None:
            writer.abort()
        stored = same or keep_and_commit(staging, transfer, number, writer)
        if stored.size != transfer.size:
            storage.remove(transfer.item.path)
            raise SizeMismatch(transfer.item.path, transfer.size, stored.size)
    except Cancelled:
        raise
    except CatalogError as error:
        broken[number] = error
        return
    del writers[number]
    staging.settle_stored(transfer, number, stored)
