"""Download: fetch the bytes of a batch and verify that they are the planned ones.

Small files are fetched into memory, each in one request pinned to the planned etag. Large ones are
streamed at upload, unless the options require staging on disk. A file with a recorded copy in an
open storage is read there; one that every destination can copy by itself, pinned to the planned
etag, is not read at all.
"""

from __future__ import annotations

from contextlib import closing

from catalog.errors import (
    IntegrityError,
    SizeMismatch,
    StorageError,
)
from catalog.model.digest import Digest, Hasher
from catalog.model.plan import Item, OnError, Place
from catalog.model.resource import Resource
from providers.base import Fetched, Source
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import End
from transfer.batch.integrity import check_bytes, check_read
from transfer.batch.staging import (
    BLOCK,
    COPIES_WHILE_FETCHED,
    MEMORY_RETRY_S,
    Piece,
    Staging,
    any_trusted,
    expected_digests,
)
from transfer.destination.deduplication import is_content_addressed, known_digest
from transfer.large.resume import ResumedReading
from transfer.locate.known_copies import copy_origin, known_copies, server_side_origins
from transfer.locate.mirrors import (
    order_sources,
    source_of,
    switch_source,
    with_planned_fingerprint,
)
from transfer.steps.refuse_names import refuse_names
from transfer.steps.request_ahead import RequestAhead
from transfer.workers.pool import DEFAULT_FIRST, WorkerPool


def download(delivery: Delivery, items: list[Item]) -> Staging:
    """Fetch what a batch needs; files that cannot be fetched are settled as failed."""
    return fetch_staging(prepare_staging(delivery, items))


def prepare_staging(delivery: Delivery, items: list[Item]) -> Staging:
    """Return the staging of a batch before its download; invalid names are settled as failed."""
    staging = Staging(delivery, items)
    for piece in staging.pieces:
        refuse_names(staging, piece)
        order_sources(delivery, piece)
    return staging


def fetch_staging(staging: Staging) -> Staging:
    """Fetch what is still to be written; files that cannot be fetched are settled as failed."""
    delivery = staging.delivery
    try:
        small: list[Piece] = []
        large: list[Piece] = []
        for piece in staging.pieces:
            if piece.removal or not piece.open_targets() or needs_no_read(delivery, piece):
                continue
            (large if passes_through(delivery, piece.item) else small).append(piece)
        options = delivery.options
        _fetch_pieces(staging, small, options.threads, DEFAULT_FIRST)
        nameless = is_content_addressed(delivery)
        large = [
            piece
            for piece in large
            if options.needs_staging(piece.item.path)
            or (nameless and piece.item.declared_sha256() is None)
        ]
        _fetch_pieces(staging, large, options.large_at_once, options.large_at_once)
    except BaseException:
        staging.release()
        raise
    return staging


def passes_through(delivery: Delivery, item: Item) -> bool:
    """Say whether a file is streamed, since it is known to be too large for memory."""
    return item.size is not None and item.size > delivery.options.small


def needs_no_read(delivery: Delivery, piece: Piece) -> bool:
    """Say whether a piece need not be read: its digest is known, and every destination can copy it.

    Only if an etag pins the copy: a digest that was merely declared or recorded for some path is
    verified by reading.
    """
    item = piece.item
    if not (item.digests or item.known_copies) or delivery.options.needs_staging(item.path):
        return False  # the usual case, and this is called for every file
    pinned = item.declared_sha256() is not None and item.etag is not None
    return all(
        known_digest(delivery, item, number) is not None
        or (pinned and copy_origin(delivery, piece, storage) is not None)
        or any(server_side_origins(delivery, item, storage))
        for number, storage in (
            (number, delivery.destinations[number].storage) for number, _ in piece.open_targets()
        )
    )


def _fetch_pieces(staging: Staging, pieces: list[Piece], threads: int, first: int) -> None:
    delivery = staging.delivery
    ahead = RequestAhead(staging)

    def work(piece: Piece) -> float | None:
        if delivery.options.on_error is OnError.FAIL and delivery.progress.failed:
            return None  # not tried: no outcome
        passing = (
            0
            if piece.pending is not None or _fits_in_memory(staging, piece)
            else 2 * BLOCK + source_of(delivery, piece).storage.capabilities.read_buffer
        )
        if passing and not delivery.budget.take_passing(passing):
            return MEMORY_RETRY_S
        piece.attempts += 1
        try:
            fetched = ahead.fetch(piece)
            if fetched is None:
                fetch_item(staging, piece)
            else:
                _accept(staging, piece, fetched)
        except StorageError as error:
            _discard_bytes(staging, piece)
            delay = source_of(delivery, piece).retry.delay_s(piece.attempts, error)
            if delay is None and switch_source(delivery, piece, error):
                return 0.0
            if delay is None:
                staging.fail(piece, error)
            return delay
        finally:
            delivery.budget.release_passing(passing)
        return None

    pool = WorkerPool(pieces, work, delivery.stop, begin=ahead.begin, abandon=ahead.abandon)
    pool.run(threads, first)


def fetch_item(staging: Staging, piece: Piece) -> None:
    """Fetch one piece from its nearest location and verify it; errors are raised."""
    delivery, item = staging.delivery, piece.item
    if piece.attempts == 1 and not piece.redirected:
        for end, place in known_copies(delivery, item):
            try:
                _fetch_copy(staging, piece, end, place)
            except StorageError:
                _discard_bytes(staging, piece)
                continue  # the catalog's record was outdated: try the source
            piece.resource = None  # it describes the other location, not the source
            piece.digest_declared = any_trusted(expected_digests(item, None))
            return
    source = source_of(delivery, piece)
    if not _fits_in_memory(staging, piece):
        resource = _receive_stream(staging, piece, source, item.origin, _pin(piece))
        piece.resource = with_planned_fingerprint(piece, resource)
        return
    with source.gate.connection(delivery.stop):
        fetched = source.storage.fetch(item.origin, etag=_pin(piece))
    _accept(staging, piece, fetched)


def _fetch_copy(staging: Staging, piece: Piece, end: End[Source], place: Place) -> None:
    """Fetch one piece from a recorded copy, whatever its size."""
    delivery, item = staging.delivery, piece.item
    known = Digest("sha256", place.sha256)
    with end.gate.connection(delivery.stop):
        size = end.storage.stat(place.path).size or 0
        held = size <= delivery.options.small and _reserve_memory(staging, piece, size)
        fetched = end.storage.fetch(place.path) if held else None
    if fetched is None:
        _receive_stream(staging, piece, end, place.path, None, known)
        return
    end.gate.throttle(len(fetched.data), delivery.stop)
    sha256 = check_bytes(item, fetched, (known, *expected_digests(item, None)))
    hold_bytes(staging, piece, fetched, sha256)


def _accept(staging: Staging, piece: Piece, fetched: Fetched) -> None:
    """Verify fetched bytes and stage them."""
    delivery, item = staging.delivery, piece.item
    source_of(delivery, piece).gate.throttle(len(fetched.data), delivery.stop)
    sha256 = check_bytes(item, fetched, expected_digests(item, fetched.resource))
    hold_bytes(staging, piece, fetched, sha256)
    piece.resource = with_planned_fingerprint(piece, fetched.resource)


def _pin(piece: Piece) -> str | None:
    """Return the etag to pin a read to; a mirror has its own etags and is verified by digest."""
    return piece.item.etag if piece.source is None else None


def hold_bytes(staging: Staging, piece: Piece, fetched: Fetched, sha256: str) -> None:
    """Stage bytes in memory, or on disk if the memory budget is used up."""
    data = fetched.data
    piece.digest = sha256
    piece.md5 = fetched.md5
    piece.size = len(data)
    piece.resource = fetched.resource
    piece.digest_declared = any_trusted(expected_digests(piece.item, fetched.resource))
    staging.delivery.progress.count_bytes(len(data))
    if _reserve_memory(staging, piece, len(data)):
        staging.free_memory(piece, keep=len(data))
        piece.data = data
    else:
        piece.file = staging.folder() / str(id(piece))
        piece.file.write_bytes(data)


def _fits_in_memory(staging: Staging, piece: Piece) -> bool:
    """Say whether a piece is fetched whole into memory: it is small, and memory is free."""
    size = piece.item.size
    if size is None or size > staging.delivery.options.small:
        return False
    return _reserve_memory(staging, piece, size)


def _reserve_memory(staging: Staging, piece: Piece, size: int) -> bool:
    """Reserve memory for a piece; without it, the piece is streamed to disk."""
    return piece.held_bytes > 0 or staging.reserve(piece, COPIES_WHILE_FETCHED * size)


def _receive_stream(
    staging: Staging,
    piece: Piece,
    source: End[Source],
    path: str,
    pin: str | None,
    *known: Digest,
) -> Resource:
    """Stream a file to disk; one of unknown size stays in memory while it is small."""
    delivery, item = staging.delivery, piece.item
    small = delivery.options.small
    room = small if item.size is None and staging.reserve(piece, small) else BLOCK
    received = bytearray()
    piece.file = None
    with closing(ResumedReading(delivery, source, path, pin)) as reading:
        expected = (*known, *expected_digests(item, None if known else reading.resource))
        hasher = Hasher(digest.algorithm for digest in expected)
        for chunk in reading:
            hasher.update(chunk)
            received += chunk
            if len(received) > room:
                _spill(staging, piece, received)
                room = BLOCK
        reading.discard_kept()  # complete: it is the file, or its kept parts are useless
        check_read(piece, hasher, expected, reading.resource)
    if piece.held_bytes and len(received) == hasher.size:
        staging.free_memory(piece, keep=len(received))
        piece.data = bytes(received)
    else:
        _spill(staging, piece, received)
        staging.free_memory(piece)
    return reading.resource


def _spill(staging: Staging, piece: Piece, received: bytearray) -> None:
    """Append the received bytes to the piece's file and clear the buffer."""
    if piece.file is None:
        piece.file = staging.folder() / str(id(piece))
        piece.file.unlink(missing_ok=True)
    with piece.file.open("ab") as file:
        file.write(received)
    received.clear()


def _discard_bytes(staging: Staging, piece: Piece) -> None:
    staging.free_memory(piece)
    if piece.file is not None:
        piece.file.unlink(missing_ok=True)
        piece.file = None


def staged_bytes(piece: Piece) -> bytes:
    """Return the bytes of a staged small piece."""
    if piece.data is not None:
        return piece.data
    if piece.file is None:
        raise IntegrityError(piece.item.path, "staged bytes", "none", "in staging")
    data = piece.file.read_bytes()
    if len(data) != piece.size:
        raise SizeMismatch(piece.item.path, piece.size, len(data))
    return data
