"""Destinations that hold bytes under their digests: what is there already is not sent again."""

from __future__ import annotations

from dataclasses import replace

from catalog.plan import Item
from providers.base import Attributes, Storage, Stored
from providers.by_digest import ByDigest
from transfer.job import Delivery, History
from transfer.staging import Piece


def names_by_digest(delivery: Delivery) -> bool:
    """Say whether a destination must know a file's digest before it can take the first byte."""
    return any(isinstance(end.storage, ByDigest) for end in delivery.destinations)


def told(delivery: Delivery, item: Item, number: int) -> str | None:
    """Return the digest of an item that a destination should hold already, by the catalog's word.

    Not where damage is mended: there the catalog's word is what is in doubt.
    """
    end = delivery.destinations[number]
    if not isinstance(end.storage, ByDigest) or delivery.options.history is History.DROP:
        return None
    if end.address == delivery.source.address:
        return item.sha256()
    return next((one.sha256 for one in item.elsewhere if one.address == end.address), None)


def held(delivery: Delivery, piece: Piece, number: int) -> Stored | None:
    """Return what a destination holds already of a piece that was not read, and settle which."""
    sha256 = told(delivery, piece.item, number)
    storage = delivery.destinations[number].storage
    if sha256 is None or not isinstance(storage, ByDigest):
        return None
    stored = storage.held(sha256, piece.item.size)
    if stored is not None:
        piece.digest, piece.size = sha256, stored.size
    return stored


def attributes(piece: Piece, storage: Storage) -> Attributes:
    """Return what travels with the bytes, and the planned digest where that is their name."""
    found = piece.attributes()
    if found.sha256 is None and isinstance(storage, ByDigest):
        return replace(found, sha256=piece.item.sha256())
    return found
