"""Deduplication: destinations that store bytes by digest or number receive nothing twice."""

from __future__ import annotations

from dataclasses import replace

from catalog.model.plan import PlanItem
from providers.base import Attributes, Storage, Stored
from providers.layouts.content_names import ContentAddressed
from providers.layouts.numbered_names import VersionNumbered
from transfer.batch.delivery import Delivery, History
from transfer.batch.staging import Transfer


def is_content_addressed(delivery: Delivery) -> bool:
    """Say whether a destination needs a file's digest before the first byte."""
    return any(isinstance(end.storage, ContentAddressed) for end in delivery.destinations)


def known_digest(delivery: Delivery, item: PlanItem, number: int) -> str | None:
    """Return the digest of an item that a destination already has, according to the catalog.

    None during a repair: there the catalog's record is in doubt.
    """
    end = delivery.destinations[number]
    if delivery.options.history is History.DROP:
        return None
    if isinstance(end.storage, VersionNumbered):
        own = end.address == delivery.source.address and item.origin == item.path
        return (
            item.declared_sha256()
            if own and end.storage.numbered_path(item.path, item.etag)
            else None
        )
    if not isinstance(end.storage, ContentAddressed):
        return None
    if end.address == delivery.source.address:
        return item.declared_sha256()
    return next((copy.sha256 for copy in item.known_copies if copy.address == end.address), None)


def already_held(delivery: Delivery, transfer: Transfer, number: int) -> Stored | None:
    """Return a destination's existing copy of an unread transfer, and set the transfer's digest."""
    sha256 = known_digest(delivery, transfer.item, number)
    storage = delivery.destinations[number].storage
    stored = None
    if sha256 is not None and isinstance(storage, ContentAddressed):
        stored = storage.find_digest(sha256, transfer.item.size)
    if (
        sha256 is not None
        and isinstance(storage, VersionNumbered)
        and transfer.item.etag is not None
    ):
        stored = storage.find_version(transfer.item.path, transfer.item.etag, transfer.item.size)
    if stored is not None:
        transfer.digest, transfer.size = sha256, stored.size
    return stored


def unchanged_copy(delivery: Delivery, transfer: Transfer, number: int) -> Stored | None:
    """Return a destination's current file of a path if it has exactly the bytes that were read.

    Another number for them would create a version without a change.
    """
    recorded = transfer.item.previous_at(number)
    if recorded is None or recorded.etag is None or recorded.digest != transfer.digest:
        return None  # checked first: the type check below is slower
    storage = delivery.destinations[number].storage
    if delivery.options.history is History.DROP or not isinstance(storage, VersionNumbered):
        return None
    return storage.find_version(transfer.item.path, recorded.etag, recorded.size)


def upload_attributes(transfer: Transfer, storage: Storage) -> Attributes:
    """Return the attributes to store, with the planned digest if the storage names files by it."""
    found = transfer.attributes()
    if found.sha256 is None and isinstance(storage, ContentAddressed):
        return replace(found, sha256=transfer.item.declared_sha256())
    return found
