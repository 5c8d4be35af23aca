"""Bytes that the catalog knows to lie elsewhere: read there, or copied inside one store.

A file that was renamed or copied at the source need not be sent again. What the catalog tells of
a place may be outdated, so bytes that are read there are compared with the digest, and a store
copies only what still has the etag that it had when its digest was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from catalog.errors import IntegrityError, ResourceChanged, ResourceNotFound, StorageError
from catalog.model.outcome import Proof
from catalog.model.plan import Item, Place
from providers.base import Copier, Source, Storage, Stored
from providers.layouts.content_names import stored_path
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import End
from transfer.batch.staging import Piece


def known_copies(delivery: Delivery, item: Item) -> Iterator[tuple[End[Source], Place]]:
    """Yield open places that hold a file's bytes already, by the catalog's word.

    After them those that a person named, where a file of that name and size stands.
    """
    yield from _recorded_copies(delivery, item)
    if delivery.same_paths:
        yield from _user_named_copies(delivery, item)


def _recorded_copies(delivery: Delivery, item: Item) -> Iterator[tuple[End[Source], Place]]:
    if not item.known_copies:
        return
    ends: dict[str, End[Source]] = {end.address: end for end in delivery.places}
    ends |= {end.address: end for end in delivery.destinations}
    ends[delivery.source.address] = delivery.source
    for place in item.known_copies:
        if place.address in ends:
            end = ends[place.address]
            path = stored_path(end.storage, place.path, place.sha256, place.etag)
            yield end, replace(place, path=path)


def _user_named_copies(delivery: Delivery, item: Item) -> Iterator[tuple[End[Source], Place]]:
    sha256 = item.declared_sha256()
    for end in delivery.places:
        if sha256 is None or end.address not in delivery.same_paths:
            continue
        try:
            with end.gate.connection(delivery.stop):
                found = end.storage.stat(item.path)
        except StorageError:
            continue  # nobody said for sure that it is there
        if item.size is None or found.size in (item.size, None):
            yield end, Place(end.address, item.path, sha256)


def server_side_origins(
    delivery: Delivery, item: Item, destination: Storage
) -> Iterator[tuple[Source, Place]]:
    """Yield the places from which `destination` can copy inside its store, pinned to an etag.

    Never links: whoever writes to one name of a file would change the other.
    """
    can = destination.capabilities
    if not can.copy or can.links or not isinstance(destination, Copier):
        return
    for end, place in _recorded_copies(delivery, item):
        pinned = place.etag is not None and end.storage.capabilities.etags
        if pinned and destination.copies_from(end.storage):
            yield end.storage, place


def copy_server_side(delivery: Delivery, piece: Piece, destination: Storage) -> Stored | None:
    """Copy a piece inside the destination's store; None where its bytes must be sent after all."""
    item = piece.item
    for source, place in server_side_origins(delivery, item, destination):
        if not isinstance(destination, Copier):
            continue
        try:
            stored = destination.copy_from(source, place.path, item.path, etag=place.etag)
            if stored is not None:
                stored = _verify_copy(item, place, destination, stored)
        except (ResourceChanged, ResourceNotFound, IntegrityError):
            continue  # the catalog's word was outdated
        if stored is not None:
            piece.digest = place.sha256
            piece.size = stored.size
            return stored
    return None


def _verify_copy(item: Item, place: Place, destination: Storage, stored: Stored) -> Stored | None:
    """Return what a copy proves; one that is not the planned file is removed, and gives None."""
    told = place.sha256
    if stored.proof is Proof.STORED and "sha256" in destination.capabilities.digests:
        # The etag of the copy tells nothing of its bytes: perhaps the store does.
        for digest in destination.stat(item.path).digests:
            if digest.algorithm == "sha256":
                told = digest.value
                stored = replace(stored, proof=Proof.WRITE_PROVED)
    if told != place.sha256 or (item.size is not None and stored.size != item.size):
        destination.remove(item.path)
        return None
    return stored


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
