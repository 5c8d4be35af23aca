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
from catalog.model.plan import OnError, PlanItem, RecordedLocation
from catalog.model.resource import Resource
from providers.base import Fetched, Source
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint
from transfer.batch.integrity import check_bytes, check_read
from transfer.batch.staging import (
    BLOCK,
    COPIES_WHILE_FETCHED,
    MEMORY_RETRY_S,
    Staging,
    Transfer,
    any_trusted,
    expected_digests,
)
from transfer.destination.deduplication import is_content_addressed, known_digest
from transfer.large.resume import ResumedReader
from transfer.locate.known_copies import copy_origin, known_copies, server_side_origins
from transfer.locate.source_failover import (
    order_sources,
    source_of,
    switch_source,
    with_planned_fingerprint,
)
from transfer.steps.refuse_names import refuse_names
from transfer.steps.request_ahead import RequestAhead
from transfer.workers.pool import DEFAULT_FIRST, WorkerPool


def download(delivery: Delivery, items: list[PlanItem]) -> Staging:
    """Fetch what a batch needs; files that cannot be fetched are settled as failed."""
    return fetch_staging(prepare_staging(delivery, items))


def prepare_staging(delivery: Delivery, items: list[PlanItem]) -> Staging:
    """Return the staging of a batch before its download; invalid names are settled as failed."""
    staging = Staging(delivery, items)
    for transfer in staging.transfers:
        refuse_names(staging, transfer)
        order_sources(delivery, transfer)
    return staging


def fetch_staging(staging: Staging) -> Staging:
    """Fetch what is still to be written; files that cannot be fetched are settled as failed."""
    delivery = staging.delivery
    try:
        small: list[Transfer] = []
        large: list[Transfer] = []
        for transfer in staging.transfers:
            if transfer.removal or not transfer.open_targets() or needs_no_read(delivery, transfer):
                continue
            (large if passes_through(delivery, transfer.item) else small).append(transfer)
        options = delivery.options
        _fetch_pieces(staging, small, options.threads, DEFAULT_FIRST)
        nameless = is_content_addressed(delivery)
        large = [
            transfer
            for transfer in large
            if options.needs_staging(transfer.item.path)
            or (nameless and transfer.item.declared_sha256() is None)
        ]
        _fetch_pieces(staging, large, options.large_at_once, options.large_at_once)
    except BaseException:
        staging.release()
        raise
    return staging


def passes_through(delivery: Delivery, item: PlanItem) -> bool:
    """Say whether a file is streamed, since it is known to be too large for memory."""
    return item.size is not None and item.size > delivery.options.small


def needs_no_read(delivery: Delivery, transfer: Transfer) -> bool:
    """Say whether a file need not be read: its digest is known, and every destination can copy it.

    Only if an etag pins the copy: a digest that was merely declared or recorded for some path is
    verified by reading.
    """
    item = transfer.item
    if not (item.digests or item.known_copies) or delivery.options.needs_staging(item.path):
        return False  # the usual case, and this is called for every file
    pinned = item.declared_sha256() is not None and item.etag is not None
    return all(
        known_digest(delivery, item, number) is not None
        or (pinned and copy_origin(delivery, transfer, storage) is not None)
        or any(server_side_origins(delivery, item, storage))
        for number, storage in (
            (number, delivery.destinations[number].storage) for number, _ in transfer.open_targets()
        )
    )


def _fetch_pieces(staging: Staging, transfers: list[Transfer], threads: int, first: int) -> None:
    delivery = staging.delivery
    ahead = RequestAhead(staging)

    def work(transfer: Transfer) -> float | None:
        if delivery.options.on_error is OnError.FAIL and delivery.progress.failed:
            return None  # not tried: no outcome
        passing = (
            0
            if transfer.pending is not None or _fits_in_memory(staging, transfer)
            else 2 * BLOCK + source_of(delivery, transfer).storage.capabilities.read_buffer
        )
        if passing and not delivery.budget.take_passing(passing):
            return MEMORY_RETRY_S
        transfer.attempts += 1
        try:
            fetched = ahead.fetch(transfer)
            if fetched is None:
                fetch_item(staging, transfer)
            else:
                _accept(staging, transfer, fetched)
        except StorageError as error:
            _discard_bytes(staging, transfer)
            delay = source_of(delivery, transfer).retry.delay_s(transfer.attempts, error)
            if delay is None and switch_source(delivery, transfer, error):
                return 0.0
            if delay is None:
                staging.fail(transfer, error)
            return delay
        finally:
            delivery.budget.release_passing(passing)
        return None

    pool = WorkerPool(transfers, work, delivery.stop, begin=ahead.begin, abandon=ahead.abandon)
    pool.run(threads, first)


def fetch_item(staging: Staging, transfer: Transfer) -> None:
    """Fetch one transfer from its nearest location and verify it; errors are raised."""
    delivery, item = staging.delivery, transfer.item
    if transfer.attempts == 1 and not transfer.redirected:
        for end, place in known_copies(delivery, item):
            try:
                _fetch_copy(staging, transfer, end, place)
            except StorageError:
                _discard_bytes(staging, transfer)
                continue  # the catalog's record was outdated: try the source
            transfer.resource = None  # it describes the other location, not the source
            transfer.digest_declared = any_trusted(expected_digests(item, None))
            return
    source = source_of(delivery, transfer)
    if not _fits_in_memory(staging, transfer):
        resource = _receive_stream(staging, transfer, source, item.origin, _pin(transfer))
        transfer.resource = with_planned_fingerprint(transfer, resource)
        return
    with source.limiter.connection(delivery.stop):
        fetched = source.storage.fetch(item.origin, etag=_pin(transfer))
    _accept(staging, transfer, fetched)


def _fetch_copy(
    staging: Staging, transfer: Transfer, end: Endpoint[Source], place: RecordedLocation
) -> None:
    """Fetch one transfer from a recorded copy, whatever its size."""
    delivery, item = staging.delivery, transfer.item
    known = Digest("sha256", place.sha256)
    with end.limiter.connection(delivery.stop):
        size = end.storage.stat(place.path).size or 0
        held = size <= delivery.options.small and _reserve_memory(staging, transfer, size)
        fetched = end.storage.fetch(place.path) if held else None
    if fetched is None:
        _receive_stream(staging, transfer, end, place.path, None, known)
        return
    end.limiter.throttle(len(fetched.data), delivery.stop)
    sha256 = check_bytes(item, fetched, (known, *expected_digests(item, None)))
    hold_bytes(staging, transfer, fetched, sha256)


def _accept(staging: Staging, transfer: Transfer, fetched: Fetched) -> None:
    """Verify fetched bytes and stage them."""
    delivery, item = staging.delivery, transfer.item
    source_of(delivery, transfer).limiter.throttle(len(fetched.data), delivery.stop)
    sha256 = check_bytes(item, fetched, expected_digests(item, fetched.resource))
    hold_bytes(staging, transfer, fetched, sha256)
    transfer.resource = with_planned_fingerprint(transfer, fetched.resource)


def _pin(transfer: Transfer) -> str | None:
    """Return the etag to pin a read to; a mirror has its own etags and is verified by digest."""
    return transfer.item.etag if transfer.source is None else None


def hold_bytes(staging: Staging, transfer: Transfer, fetched: Fetched, sha256: str) -> None:
    """Stage bytes in memory, or on disk if the memory budget is used up."""
    data = fetched.data
    transfer.digest = sha256
    transfer.md5 = fetched.md5
    transfer.size = len(data)
    transfer.resource = fetched.resource
    transfer.digest_declared = any_trusted(expected_digests(transfer.item, fetched.resource))
    staging.delivery.progress.count_bytes(len(data))
    if _reserve_memory(staging, transfer, len(data)):
        staging.free_memory(transfer, keep=len(data))
        transfer.data = data
    else:
        transfer.file = staging.folder() / str(id(transfer))
        transfer.file.write_bytes(data)


def _fits_in_memory(staging: Staging, transfer: Transfer) -> bool:
    """Say whether a transfer is fetched whole into memory: it is small, and memory is free."""
    size = transfer.item.size
    if size is None or size > staging.delivery.options.small:
        return False
    return _reserve_memory(staging, transfer, size)


def _reserve_memory(staging: Staging, transfer: Transfer, size: int) -> bool:
    """Reserve memory for a transfer; without it, the transfer is streamed to disk."""
    return transfer.held_bytes > 0 or staging.reserve(transfer, COPIES_WHILE_FETCHED * size)


def _receive_stream(
    staging: Staging,
    transfer: Transfer,
    source: Endpoint[Source],
    path: str,
    pin: str | None,
    *known: Digest,
) -> Resource:
    """Stream a file to disk; one of unknown size stays in memory while it is small."""
    delivery, item = staging.delivery, transfer.item
    small = delivery.options.small
    room = small if item.size is None and staging.reserve(transfer, small) else BLOCK
    received = bytearray()
    transfer.file = None
    with closing(ResumedReader(delivery, source, path, pin)) as reader:
        expected = (*known, *expected_digests(item, None if known else reader.resource))
        hasher = Hasher(digest.algorithm for digest in expected)
        for chunk in reader:
            hasher.update(chunk)
            received += chunk
            if len(received) > room:
                _spill(staging, transfer, received)
                room = BLOCK
        reader.discard_kept()  # complete: it is the file, or its kept parts are useless
        check_read(transfer, hasher, expected, reader.resource)
    if transfer.held_bytes and len(received) == hasher.size:
        staging.free_memory(transfer, keep=len(received))
        transfer.data = bytes(received)
    else:
        _spill(staging, transfer, received)
        staging.free_memory(transfer)
    return reader.resource


def _spill(staging: Staging, transfer: Transfer, received: bytearray) -> None:
    """Append the received bytes to the transfer's file and clear the buffer."""
    if transfer.file is None:
        transfer.file = staging.folder() / str(id(transfer))
        transfer.file.unlink(missing_ok=True)
    with transfer.file.open("ab") as file:
        file.write(received)
    received.clear()


def _discard_bytes(staging: Staging, transfer: Transfer) -> None:
    staging.free_memory(transfer)
    if transfer.file is not None:
        transfer.file.unlink(missing_ok=True)
        transfer.file = None


def staged_bytes(transfer: Transfer) -> bytes:
    """Return the bytes of a staged small transfer."""
    if transfer.data is not None:
        return transfer.data
    if transfer.file is None:
        raise IntegrityError(transfer.item.path, "staged bytes", "none", "in staging")
    data = transfer.file.read_bytes()
    if len(data) != transfer.size:
        raise SizeMismatch(transfer.item.path, transfer.size, len(data))
    return data
