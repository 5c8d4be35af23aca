"""Upload: write staged files to all destinations in parallel, each with its own outcome."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import Cancelled, CatalogError, IntegrityError, SizeMismatch, StorageError
from catalog.model.plan import OnError
from providers.base import Chunk, Copier, Stored
from transfer.batch.file_reading import FileReading
from transfer.batch.staging import MEMORY_RETRY_S, Piece, Staging, source_resource
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
    """Write every piece without an error to its destinations; each gets an outcome.

    Raises:
        Cancelled: the stop flag was set; no unfinished file is left at any destination.
    """
    small: list[tuple[Piece, int]] = []
    large: list[Piece] = []
    for piece in staging.to_write():
        if _fits_one_call(staging, piece):
            small.extend((piece, number) for number, _ in piece.open_targets())
        else:
            large.append(piece)
    # Pieces in memory go first: those on disk need the memory.
    small.sort(key=lambda pair: pair[0].file is not None)
    options, stop = staging.delivery.options, staging.delivery.stop
    conflicts = PathConflictResolver(staging)
    try:
        WorkerPool(conflicts.obstacles(), lambda pair: _remove_one(staging, *pair), stop).run(
            options.threads
        )
        WorkerPool(small, lambda pair: _write_one(staging, *pair), stop).run(options.threads)
        WorkerPool(large, lambda piece: copy_to_all(staging, piece), stop).run(
            options.large_at_once, first=options.large_at_once
        )
    finally:
        conflicts.restore()
    removals = [
        (piece, number)
        for piece in staging.pieces
        if piece.removal
        for number, _ in piece.open_targets()
    ]
    WorkerPool(removals, lambda pair: _remove_one(staging, *pair), stop).run(options.threads)
    return staging


def _fits_one_call(staging: Staging, piece: Piece) -> bool:
    """Say whether a piece is written in one call at each destination."""
    if piece.data is not None:
        return True
    if piece.file is not None:
        return piece.size <= staging.delivery.options.small
    return needs_no_read(staging.delivery, piece)


def _write_one(staging: Staging, piece: Piece, number: int) -> float | None:
    delivery = staging.delivery
    if delivery.options.on_error is OnError.FAIL and delivery.progress.failed:
        return None
    if piece.error is not None:
        return None
    end = delivery.destinations[number]
    room = 0 if piece.file is None else piece.size
    if room and not delivery.budget.take(room):
        return MEMORY_RETRY_S
    try:
        with end.gate.connection(delivery.stop):
            keep_before_writing(staging, piece, number)
            stored = _copy(staging, piece, number) or _put(staging, piece, number)
    except Cancelled:
        raise
    except StorageError as error:
        piece.failed_tries[number] = piece.failed_tries.get(number, 0) + 1
        delay = end.retry.delay_s(piece.failed_tries[number], error)
        if delay is None:
            staging.settle_failed(piece, number, error)
        return delay
    except CatalogError as error:
        staging.settle_failed(piece, number, error)
        return None
    finally:
        delivery.budget.release(room)
    staging.settle_stored(piece, number, stored)
    return None


def _copy(staging: Staging, piece: Piece, number: int) -> Stored | None:
    storage = staging.delivery.destinations[number].storage
    unread = piece.digest is None
    if unread and (there := already_held(staging.delivery, piece, number)) is not None:
        return there
    if not (unread or storage.capabilities.links) or not isinstance(storage, Copier):
        return None
    origin = copy_origin(staging.delivery, piece, storage)
    if unread and (origin is None or origin[2] is None or piece.item.declared_sha256() is None):
        keep_previous(staging, piece, number)
        return copy_server_side(staging.delivery, piece, storage)
    if origin is None:
        return None
    source, path, etag = origin
    keep_previous(staging, piece, number)
    stored = storage.copy_from(source, path, piece.item.path, etag=etag)
    if stored is None:
        return None
    if unread:
        if piece.item.size is not None and stored.size != piece.item.size:
            storage.remove(piece.item.path)
            raise SizeMismatch(piece.item.path, piece.item.size, stored.size)
        piece.digest = piece.item.declared_sha256()
        piece.size = stored.size
    return stored


def _put(staging: Staging, piece: Piece, number: int) -> Stored:
    delivery = staging.delivery
    end = delivery.destinations[number]
    if piece.digest is None:  # it could not be copied: send the bytes after all
        piece.attempts += 1
        fetch_item(staging, piece)
    same = unchanged_copy(delivery, piece, number)
    if same is not None:
        return same
    if piece.size > delivery.options.small or keeps_at_commit(staging, piece, number):
        stored = _write_in_chunks(staging, piece, number)
    else:
        data = staged_bytes(piece)
        end.gate.throttle(len(data), delivery.stop)
        stored = end.storage.put(piece.item.path, data, piece.attributes())
    if stored.size != piece.size:
        end.storage.remove(piece.item.path)
        raise SizeMismatch(piece.item.path, piece.size, stored.size)
    return stored


def _write_in_chunks(staging: Staging, piece: Piece, number: int) -> Stored:
    """Write a staged piece in chunks; what it replaces is kept just before the commit."""
    end, stop = staging.delivery.destinations[number], staging.delivery.stop
    if piece.digest is None:
        raise IntegrityError(piece.item.path, "a staged file", "none", "in staging")
    writer = end.storage.write(piece.item.path, piece.attributes(), size=piece.size)
    try:
        for chunk in _chunks(piece):
            stop.check()
            writer.write(chunk)
            end.gate.throttle(len(chunk), stop)
        return keep_and_commit(staging, piece, number, writer)
    except BaseException:
        writer.abort()
        raise


def _chunks(piece: Piece) -> Iterator[Chunk]:
    if piece.file is None:
        yield staged_bytes(piece)
        return
    reading = FileReading(piece.file, source_resource(piece))
    try:
        yield from reading
    finally:
        reading.close()


def _remove_one(staging: Staging, piece: Piece, number: int) -> float | None:
    delivery = staging.delivery
    end = delivery.destinations[number]
    try:
        with end.gate.connection(delivery.stop):
            keep_previous(staging, piece, number)
            end.storage.remove(piece.item.path)
    except Cancelled:
        raise
    except StorageError as error:
        piece.failed_tries[number] = piece.failed_tries.get(number, 0) + 1
        delay = end.retry.delay_s(piece.failed_tries[number], error)
        if delay is None:
            staging.settle_failed(piece, number, error)
        return delay
    except CatalogError as error:
        staging.settle_failed(piece, number, error)
        return None
    staging.settle_removed(piece, number)
    return None
