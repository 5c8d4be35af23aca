"""Upload: write staged files to all destinations in parallel, each with its own outcome."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import Cancelled, CatalogError, IntegrityError, SizeMismatch, StorageError
from catalog.model.plan import OnError
from providers.base import Chunk, Copier, Stored
from transfer.batch.file_reader import FileReader
from transfer.batch.staging import MEMORY_RETRY_S, Staging, Transfer, source_resource
from transfer.destination.deduplication import already_held, unchanged_copy
from transfer.destination.history import (
    keep_and_commit,
    keep_before_writing,
    keep_previous,
    keeps_at_commit,
)
from transfer.destination.path_conflicts import PathConflictResolver
from transfer.large.fan_out import copy_to_all
from transfer.locate.known_copies import copy_origin, copy_server_side
from transfer.steps.download import fetch_item, needs_no_read, staged_bytes
from transfer.workers.pool import WorkerPool


def upload(staging: Staging) -> Staging:
    """Write every transfer without an error to its destinations; each gets an outcome.

    Raises:
        Cancelled: the stop flag was set; no unfinished file is left at any destination.
    """
    small: list[tuple[Transfer, int]] = []
    large: list[Transfer] = []
    for transfer in staging.to_write():
        if _fits_one_call(staging, transfer):
            small.extend((transfer, number) for number, _ in transfer.open_targets())
        else:
            large.append(transfer)
    # Pieces in memory go first: those on disk need the memory.
    small.sort(key=lambda pair: pair[0].file is not None)
    options, stop = staging.delivery.options, staging.delivery.stop
    conflicts = PathConflictResolver(staging)
    try:
        WorkerPool(conflicts.obstacles(), lambda pair: _remove_one(staging, *pair), stop).run(
            options.threads
        )
        WorkerPool(small, lambda pair: _write_one(staging, *pair), stop).run(options.threads)
        WorkerPool(large, lambda transfer: copy_to_all(staging, transfer), stop).run(
            options.large_at_once, first=options.large_at_once
        )
    finally:
        conflicts.restore()
    removals = [
        (transfer, number)
        for transfer in staging.transfers
        if transfer.removal
        for number, _ in transfer.open_targets()
    ]
    WorkerPool(removals, lambda pair: _remove_one(staging, *pair), stop).run(options.threads)
    return staging


def _fits_one_call(staging: Staging, transfer: Transfer) -> bool:
    """Say whether a transfer is written in one call at each destination."""
    if transfer.data is not None:
        return True
    if transfer.file is not None:
        return transfer.size <= staging.delivery.options.small
    return needs_no_read(staging.delivery, transfer)


def _write_one(staging: Staging, transfer: Transfer, number: int) -> float | None:
    delivery = staging.delivery
    if delivery.options.on_error is OnError.FAIL and delivery.progress.failed:
        return None
    if transfer.error is not None:
        return None
    end = delivery.destinations[number]
    room = 0 if transfer.file is None else transfer.size
    if room and not delivery.budget.take(room):
        return MEMORY_RETRY_S
    try:
        with end.limiter.connection(delivery.stop):
            keep_before_writing(staging, transfer, number)
            stored = _copy(staging, transfer, number) or _put(staging, transfer, number)
    except Cancelled:
        raise
    except StorageError as error:
        transfer.failed_tries[number] = transfer.failed_tries.get(number, 0) + 1
        delay = end.retry.delay_s(transfer.failed_tries[number], error)
        if delay is None:
            staging.settle_failed(transfer, number, error)
        return delay
    except CatalogError as error:
        staging.settle_failed(transfer, number, error)
        return None
    finally:
        delivery.budget.release(room)
    staging.settle_stored(transfer, number, stored)
    return None


def _copy(staging: Staging, transfer: Transfer, number: int) -> Stored | None:
    storage = staging.delivery.destinations[number].storage
    unread = transfer.digest is None
    if unread and (there := already_held(staging.delivery, transfer, number)) is not None:
        return there
    if not (unread or storage.capabilities.links) or not isinstance(storage, Copier):
        return None
    origin = copy_origin(staging.delivery, transfer, storage)
    if unread and (origin is None or origin[2] is None or transfer.item.declared_sha256() is None):
        keep_previous(staging, transfer, number)
        return copy_server_side(staging.delivery, transfer, storage)
    if origin is None:
        return None
    source, path, etag = origin
    keep_previous(staging, transfer, number)
    stored = storage.copy_from(source, path, transfer.item.path, etag=etag)
    if stored is None:
        return None
    if unread:
        if transfer.item.size is not None and stored.size != transfer.item.size:
            storage.remove(transfer.item.path)
            raise SizeMismatch(transfer.item.path, transfer.item.size, stored.size)
        transfer.digest = transfer.item.declared_sha256()
        transfer.size = stored.size
    return stored


def _put(staging: Staging, transfer: Transfer, number: int) -> Stored:
    delivery = staging.delivery
    end = delivery.destinations[number]
    if transfer.digest is None:  # it could not be copied: send the bytes after all
        transfer.attempts += 1
        fetch_item(staging, transfer)
    same = unchanged_copy(delivery, transfer, number)
    if same is not None:
        return same
    if transfer.size > delivery.options.small or keeps_at_commit(staging, transfer, number):
        stored = _write_in_chunks(staging, transfer, number)
    else:
        data = staged_bytes(transfer)
        end.limiter.throttle(len(data), delivery.stop)
        stored = end.storage.put(transfer.item.path, data, transfer.attributes())
    if stored.size != transfer.size:
        end.storage.remove(transfer.item.path)
        raise SizeMismatch(transfer.item.path, transfer.size, stored.size)
    return stored


def _write_in_chunks(staging: Staging, transfer: Transfer, number: int) -> Stored:
    """Write a staged transfer in chunks; what it replaces is kept just before the commit."""
    end, stop = staging.delivery.destinations[number], staging.delivery.stop
    if transfer.digest is None:
        raise IntegrityError(transfer.item.path, "a staged file", "none", "in staging")
    writer = end.storage.write(transfer.item.path, transfer.attributes(), size=transfer.size)
    try:
        for chunk in _chunks(transfer):
            stop.check()
            writer.write(chunk)
            end.limiter.throttle(len(chunk), stop)
        return keep_and_commit(staging, transfer, number, writer)
    except BaseException:
        writer.abort()
        raise


def _chunks(transfer: Transfer) -> Iterator[Chunk]:
    if transfer.file is None:
        yield staged_bytes(transfer)
        return
    reader = FileReader(transfer.file, source_resource(transfer))
    try:
        yield from reader
    finally:
        reader.close()


def _remove_one(staging: Staging, transfer: Transfer, number: int) -> float | None:
    delivery = staging.delivery
    end = delivery.destinations[number]
    try:
        with end.limiter.connection(delivery.stop):
            keep_previous(staging, transfer, number)
            end.storage.remove(transfer.item.path)
    except Cancelled:
        raise
    except StorageError as error:
        transfer.failed_tries[number] = transfer.failed_tries.get(number, 0) + 1
        delay = end.retry.delay_s(transfer.failed_tries[number], error)
        if delay is None:
            staging.settle_failed(transfer, number, error)
        return delay
    except CatalogError as error:
        staging.settle_failed(transfer, number, error)
        return None
    staging.settle_removed(transfer, number)
    return None
