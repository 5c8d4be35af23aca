"""Destinations that hold bytes by digest or by number: what is there already is not sent again."""

from __future__ import annotations

from dataclasses import replace

from catalog.model.plan import Item
from providers.base import Attributes, Storage, Stored
from providers.layouts.content_names import ContentAddressed
from providers.layouts.numbered_names import VersionNumbered
from transfer.batch.delivery import Delivery, History
from transfer.batch.staging import Piece


def is_content_addressed(delivery: Delivery) -> bool:
    """Say whether a destination must know a file's digest before it can take the first byte."""
    return any(isinstance(end.storage, ContentAddressed) for end in delivery.destinations)


def known_digest(delivery: Delivery, item: Item, number: int) -> str | None:
    """Return the digest of an item that a destination should hold already, by the catalog's word.

    Not where damage is mended: there the catalog's word is what is in doubt.
    """
    end = delivery.destinations[number]
    if delivery.options.history is History.DROP:
        return None
    if isinstance(end.storage, VersionNumbered):
        own = end.address == delivery.source.address and item.origin == item.path
        return item.sha256() if own and end.storage.numbered_path(item.path, item.etag) else None
    if not isinstance(end.storage, ContentAddressed):
        return None
    if end.address == delivery.source.address:
        return item.sha256()
    return next((one.sha256 for one in item.elsewhere if one.address == end.address), None)


def already_held(delivery: Delivery, piece: Piece, number: int) -> Stored | None:
    """Return what a destination holds already of a piece that was not read, and settle which."""
    sha256 = known_digest(delivery, piece.item, number)
    storage = delivery.destinations[number].storage
    stored = None
    if sha256 is not None and isinstance(storage, ContentAddressed):
        stored = storage.find_digest(sha256, piece.item.size)
    if sha256 is not None and isinstance(storage, VersionNumbered) and piece.item.etag is not None:
        stored = storage.find_version(piece.item.path, piece.item.etag, piece.item.size)
    if stored is not None:
        piece.digest, piece.size = sha256, stored.size
    return stored


def unchanged(delivery: Delivery, piece: Piece, number: int) -> Stored | None:
    """Return what a destination shows of a path, where it has the very bytes that were read.

    Another number for them would make a version of nothing new.
    """
    stood = piece.item.stood(number)
    if stood is None or stood.etag is None or stood.digest != piece.digest:
        return None  # asked first: what kind of storage it is, is dearer to say
    storage = delivery.destinations[number].storage
    if delivery.options.history is History.DROP or not isinstance(storage, VersionNumbered):
        return None
    return storage.find_version(piece.item.path, stood.etag, stood.size)


def attributes(piece: Piece, storage: Storage) -> Attributes:
    """Return what travels with the bytes, and the planned digest where that is their name."""
    found = piece.attributes()
    if found.sha256 is None and isinstance(storage, ContentAddressed):
        return replace(found, sha256=piece.item.sha256())
    return found
