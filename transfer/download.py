"""Download: bring the bytes of a batch here and make sure that they are the planned ones.

Small files come whole into memory, each in one request pinned to the planned etag. Large ones
are left to pass through at upload, unless the options ask for them to be staged on disk. A file
whose digest the catalog already knows at an open place is read there; one that every destination
can copy by itself, pinned to the planned etag, is not read at all.
"""

from __future__ import annotations

from catalog.digest import Digest, Hasher
from catalog.errors import (
    CatalogError,
    IntegrityError,
    SizeMismatch,
    StorageError,
)
from catalog.plan import Item, OnError, Place
from catalog.resource import Resource
from providers.base import Copier, Fetched, Source, Storage
from transfer.asking import Asking
from transfer.by_digest import names_by_digest, told
from transfer.checking import check_bytes, check_read
from transfer.elsewhere import elsewhere, inside
from transfer.job import Delivery, End
from transfer.lanes import FEW, Lane
from transfer.marking import check_markers
from transfer.mirrors import as_planned, line_up, source_of, turn
from transfer.staging import Piece, Staging, expected_digests, trusted_any


def download(delivery: Delivery, items: list[Item]) -> Staging:
    """Fetch what a batch needs; what cannot be had is settled as failed in the staging."""
    return fetch(prepared(delivery, items))


def prepared(delivery: Delivery, items: list[Item]) -> Staging:
    """Return the staging of a batch before its download; impossible names are settled as failed."""
    staging = Staging(delivery, items)
    for piece in staging.pieces:
        refuse_names(staging, piece)
        line_up(delivery, piece)
    return staging


def fetch(staging: Staging) -> Staging:
    """Fetch what is still to be written; what cannot be had is settled as failed."""
    delivery = staging.delivery
    try:
        small: list[Piece] = []
        large: list[Piece] = []
        for piece in staging.pieces:
            if piece.removal or not piece.open_targets() or copied_whole(delivery, piece):
                continue
            (large if passes_through(delivery, piece.item) else small).append(piece)
        options = delivery.options
        _run(staging, small, options.threads, FEW)
        nameless = names_by_digest(delivery)
        large = [
            piece
            for piece in large
            if options.stages(piece.item.path) or (nameless and piece.item.sha256() is None)
        ]
        _run(staging, large, options.large_at_once, options.large_at_once)
    except BaseException:
        staging.release()
        raise
    return staging


def passes_through(delivery: Delivery, item: Item) -> bool:
    """Say whether a file is known to be too large to be held; one of unknown size is not."""
    return item.size is not None and item.size > delivery.options.small


def refuse_names(staging: Staging, piece: Piece) -> None:
    """Settle a piece as failed wherever a destination cannot hold its name."""
    for number, _ in piece.open_targets():
        try:
            staging.delivery.destinations[number].storage.check_name(piece.item.path)
            check_markers(staging.delivery, piece.item.path, number)
        except CatalogError as error:
            staging.failed_at(piece, number, error)


def copied_whole(delivery: Delivery, piece: Piece) -> bool:
    """Say whether no byte need come here: digest known, and every destination can copy.

    Only where an etag pins the copy: a digest that a manifest or the catalog merely tells of some
    path is enforced by reading.
    """
    item = piece.item
    if not (item.digests or item.elsewhere) or delivery.options.stages(item.path):
        return False  # asked for every file, and this is the usual case
    pinned = item.sha256() is not None and item.etag is not None
    return all(
        told(delivery, item, number) is not None
        or (pinned and copy_origin(delivery, piece, storage) is not None)
        or any(inside(delivery, item, storage))
        for number, storage in (
            (number, delivery.destinations[number].storage) for number, _ in piece.open_targets()
        )
    )


def copy_origin(
    delivery: Delivery, piece: Piece, destination: Storage
) -> tuple[Source, str, str | None] | None:
    """Return (storage, path, etag) of the source's file where `destination` can copy it itself.

    The etag is the one that was read, or else planned: nothing newer is copied.
    """
    if not isinstance(destination, Copier) or not destination.capabilities.copy:
        return None
    if delivery.mirrors:
        return None  # what is read may be another source's, and is not copied unseen
    source = delivery.source.storage
    if not destination.copies_from(source):
        return None
    read = piece.resource.etag if piece.resource is not None else None
    return source, piece.item.origin, read or piece.item.etag


def _run(staging: Staging, pieces: list[Piece], threads: int, first: int) -> None:
    delivery = staging.delivery
    asking = Asking(delivery)

    def work(piece: Piece) -> float | None:
        if delivery.options.on_error is OnError.FAIL and delivery.progress.failed:
            return None  # no outcome: it was not tried
        piece.attempts += 1
        try:
            fetched = asking.fetch(piece)
            if fetched is None:
                bring(staging, piece)
            else:
                _take(staging, piece, fetched)
        except StorageError as error:
            _drop(staging, piece)
            delay = source_of(delivery, piece).retry.delay_s(piece.attempts, error)
            if delay is None and turn(delivery, piece, error):
                return 0.0
            if delay is None:
                staging.fail(piece, error)
            return delay
        return None

    lane = Lane(pieces, work, delivery.stop, begin=asking.begin, abandon=asking.abandon)
    lane.run(threads, first)


def bring(staging: Staging, piece: Piece) -> None:
    """Fetch one piece, wherever it is nearest, and check it; what fails is raised."""
    delivery, item = staging.delivery, piece.item
    if piece.attempts == 1 and not piece.turned:
        for end, place in elsewhere(delivery, item):
            try:
                _bring_from(staging, piece, end, place)
            except StorageError:
                _drop(staging, piece)
                continue  # the catalog's word was outdated: the source is asked
            piece.resource = None  # it describes the other place, not the source
            piece.declared = trusted_any(expected_digests(item, None))
            return
    source = source_of(delivery, piece)
    if item.size is None or passes_through(delivery, item):
        resource = _receive(staging, piece, source, item.origin, _pin(piece))
        piece.resource = as_planned(piece, resource)
        return
    with source.gate.connection(delivery.stop):
        fetched = source.storage.fetch(item.origin, etag=_pin(piece))
    _take(staging, piece, fetched)


def _bring_from(staging: Staging, piece: Piece, end: End[Source], place: Place) -> None:
    """Fetch one piece from another place of its bytes, however large it is there."""
    delivery, item = staging.delivery, piece.item
    known = Digest("sha256", place.sha256)
    with end.gate.connection(delivery.stop):
        large = (end.storage.stat(place.path).size or 0) > delivery.options.small
        fetched = None if large else end.storage.fetch(place.path)
    if fetched is None:
        _receive(staging, piece, end, place.path, None, known)
        return
    end.gate.pass_bytes(len(fetched.data), delivery.stop)
    sha256 = check_bytes(item, fetched, (known, *expected_digests(item, None)))
    hold(staging, piece, fetched, sha256)


def _take(staging: Staging, piece: Piece, fetched: Fetched) -> None:
    """Check what the source gave, and keep it."""
    delivery, item = staging.delivery, piece.item
    source_of(delivery, piece).gate.pass_bytes(len(fetched.data), delivery.stop)
    sha256 = check_bytes(item, fetched, expected_digests(item, fetched.resource))
    hold(staging, piece, fetched, sha256)
    piece.resource = as_planned(piece, fetched.resource)


def _pin(piece: Piece) -> str | None:
    """Return the etag to pin a read to; a mirror's is its own, and the digest tells."""
    return piece.item.etag if piece.source is None else None


def hold(staging: Staging, piece: Piece, fetched: Fetched, sha256: str) -> None:
    """Keep the bytes in memory, or on disk where the process already holds too many."""
    data = fetched.data
    piece.digest = sha256
    piece.md5 = fetched.md5
    piece.size = len(data)
    piece.resource = fetched.resource
    piece.declared = trusted_any(expected_digests(piece.item, fetched.resource))
    staging.delivery.progress.moved(len(data))
    if staging.delivery.budget.take(len(data)):
        piece.held = len(data)
        piece.data = data
    else:
        piece.file = staging.folder() / str(id(piece))
        piece.file.write_bytes(data)


def _receive(
    staging: Staging,
    piece: Piece,
    source: End[Source],
    path: str,
    pin: str | None,
    *known: Digest,
) -> Resource:
    """Stream a file of unknown or large size: into memory while it is small, else onto disk."""
    delivery, item = staging.delivery, piece.item
    received = bytearray()
    piece.file = None
    with source.gate.connection(delivery.stop):
        reading = source.storage.read(path, etag=pin)
        try:
            expected = (*known, *expected_digests(item, None if known else reading.resource))
            hasher = Hasher(digest.algorithm for digest in expected)
            for chunk in reading:
                delivery.stop.check()
                hasher.update(chunk)
                received += chunk
                if len(received) > delivery.options.small:
                    _spill(staging, piece, received)
                delivery.progress.moved(len(chunk))
                source.gate.pass_bytes(len(chunk), delivery.stop)
        finally:
            reading.close()
    check_read(piece, hasher, expected, reading.resource)
    if len(received) == hasher.size and delivery.budget.take(len(received)):
        piece.held = len(received)
        piece.data = bytes(received)
    else:
        _spill(staging, piece, received)
    return reading.resource


def _spill(staging: Staging, piece: Piece, received: bytearray) -> None:
    """Append what was received to the piece's file and forget it here."""
    if piece.file is None:
        piece.file = staging.folder() / str(id(piece))
        piece.file.unlink(missing_ok=True)
    with piece.file.open("ab") as file:
        file.write(received)
    received.clear()


def _drop(staging: Staging, piece: Piece) -> None:
    piece.data = None
    if piece.held:
        staging.delivery.budget.give_back(piece.held)
        piece.held = 0
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
