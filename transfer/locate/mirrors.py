"""Which source a piece is read from: the mirrors in order, where the first one fails.

A mirror is only asked for files whose digest the source declared: nothing else could tell that it
holds the same. A source whose bytes were wrong is asked last for a while.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from catalog.errors import CatalogError, IntegrityError
from catalog.model.resource import Resource
from providers.base import Source
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import End
from transfer.batch.staging import Piece

COOL_DOWN_S = 300.0  # a source that failed validation is asked last for so long

_cooling: dict[str, float] = {}  # address -> monotonic time


def source_of(delivery: Delivery, piece: Piece) -> End[Source]:
    """Return the source that a piece is to be read from now."""
    return piece.source or delivery.source


def line_up(delivery: Delivery, piece: Piece) -> None:
    """Decide which sources a piece is read from: in order, but those that were wrong last."""
    if not delivery.mirrors or not piece.item.digests:
        return
    main = delivery.source.address
    now = monotonic()
    piece.waiting = sorted(
        (main, *delivery.mirrors.addresses()), key=lambda one: _cooling.get(one, 0.0) > now
    )
    if piece.waiting[0] == main:
        piece.waiting = piece.waiting[1:]
    else:
        turn(delivery, piece, None)
        piece.turned = False


def turn(delivery: Delivery, piece: Piece, error: CatalogError | None) -> bool:
    """Turn a piece that failed at its source to the next one; False where there is none."""
    if isinstance(error, IntegrityError):
        _cooling[source_of(delivery, piece).address] = monotonic() + COOL_DOWN_S
    while piece.waiting:
        address, *piece.waiting = piece.waiting
        try:
            main = address == delivery.source.address
            piece.source = None if main else delivery.mirrors.end(address)
        except CatalogError:
            continue  # it cannot even be opened
        piece.turned = True
        piece.attempts = 0  # each source has its own retries
        return True
    return False


def as_planned(piece: Piece, resource: Resource) -> Resource:
    """Return how the source describes what was read: a mirror's etag and time are its own."""
    if piece.source is None:
        return resource
    return replace(resource, etag=piece.item.etag, modified_us=piece.item.modified_us)
