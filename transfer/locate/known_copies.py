"""Uses recorded copies of a file's bytes: reads them there, or copies inside one storage.

A file that was renamed or copied at the source need not be sent again. A recorded location may be
outdated, so bytes that are read there are verified by digest, and a storage copies only a file that
still has the recorded etag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from catalog.errors import IntegrityError, ResourceChanged, ResourceNotFound, StorageError
from catalog.model.outcome import Proof
from catalog.model.plan import PlanItem, RecordedLocation
from providers.base import Copier, Source, Storage, Stored
from providers.layouts.content_names import stored_path
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint
from transfer.batch.staging import Transfer


def known_copies(
    delivery: Delivery, item: PlanItem
) -> Iterator[tuple[Endpoint[Source], RecordedLocation]]:
    """Yield open locations that already have a file's bytes, according to the catalog.

    Then those that the user named and that have a file of that path and size.
    """
    yield from _recorded_copies(delivery, item)
    if delivery.same_paths:
        yield from _user_named_copies(delivery, item)


def _recorded_copies(
    delivery: Delivery, item: PlanItem
) -> Iterator[tuple[Endpoint[Source], RecordedLocation]]:
    if not item.known_copies:
        return
    ends: dict[str, Endpoint[Source]] = {end.address: end for end in delivery.places}
    ends |= {end.address: end for end in delivery.destinations}
    ends[delivery.source.address] = delivery.source
    for place in item.known_copies:
        if place.address in ends:
            end = ends[place.address]
            path = stored_path(end.storage, place.path, place.sha256, place.etag)
            yield end, replace(place, path=path)


def _user_named_copies(
    delivery: Delivery, item: PlanItem
) -> Iterator[tuple[Endpoint[Source], RecordedLocation]]:
    sha256 = item.declared_sha256()
    for end in delivery.places:
        if sha256 is None or end.address not in delivery.same_paths:
            continue
        try:
            with end.limiter.connection(delivery.stop):
                found = end.storage.stat(item.path)
        except StorageError:
            continue  # it is not certain to be there
        if item.size is None or found.size in (item.size, None):
            yield end, RecordedLocation(end.address, item.path, sha256)


def server_side_origins(
    delivery: Delivery, item: PlanItem, destination: Storage
) -> Iterator[tuple[Source, RecordedLocation]]:
    """Yield the locations from which `destination` can copy by itself, pinned to an etag.

    Links are not used: writing to one name of a file would change the other.
    """
    can = destination.capabilities
    if not can.copy or can.links or not isinstance(destination, Copier):
        return
    for end, place in _recorded_copies(delivery, item):
        pinned = place.etag is not None and end.storage.capabilities.etags
        if pinned and destination.copies_from(end.storage):
            yield end.storage, place


def copy_server_side(delivery: Delivery, transfer: Transfer, destination: Storage) -> Stored | None:
    """Copy a file inside the destination's storage; None if its bytes must be sent after all."""
    item = transfer.item
    for source, place in server_side_origins(delivery, item, destination):
        if not isinstance(destination, Copier):
            continue
        try:
            stored = destination.copy_from(source, place.path, item.path, etag=place.etag)
            if stored is not None:
                stored = _verify_copy(item, place, destination, stored)
        except (ResourceChanged, ResourceNotFound, IntegrityError):
            continue  # the catalog's record was outdated
        if stored is not None:
            transfer.digest = place.sha256
            transfer.size = stored.size
            return stored
    return None


def _verify_copy(
    item: PlanItem, place: RecordedLocation, destination: Storage, stored: Stored
) -> Stored | None:
    """Verify a copy; if it is not the planned file, remove it and return None."""
    sha256 = place.sha256
    if stored.proof is Proof.STORED and "sha256" in destination.capabilities.digests:
        # The etag of the copy says nothing about its bytes: the storage may know their digest.
        for digest in destination.stat(item.path).digests:
            if digest.algorithm == "sha256":
                sha256 = digest.value
                stored = replace(stored, proof=Proof.WRITE_PROVED)
    if sha256 != place.sha256 or (item.size is not None and stored.size != item.size):
        destination.remove(item.path)
        return None
    return stored


def copy_origin(
    delivery: Delivery, transfer: Transfer, destination: Storage
) -> tuple[Source, str, str | None] | None:
    """Return (storage, path, etag) of the source's file if `destination` can copy it by itself.

    The etag is the one that was read, or else the planned one: nothing newer is copied.
    """
    if not isinstance(destination, Copier) or not destination.capabilities.copy:
        return None
    if delivery.mirrors:
        return None  # the transfer may be read from a mirror, and must be verified
    source = delivery.source.storage
    if not destination.copies_from(source):
        return None
    read = transfer.resource.etag if transfer.resource is not None else None
    return source, transfer.item.origin, read or transfer.item.etag
