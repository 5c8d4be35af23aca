"""Chooses the source that a piece is read from: the main one, or its mirrors in order.

A mirror is used only for files whose digest the source declared: nothing else proves that it has
the same bytes. A source with wrong bytes is tried last for a while.
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

COOL_DOWN_S = 300.0  # how long a source with wrong bytes is tried last

_last_until_s: dict[str, float] = {}  # address -> monotonic time


def source_of(delivery: Delivery, piece: Piece) -> End[Source]:
    """Return the source that a piece is read from now."""
    return piece.source or delivery.source


def order_sources(delivery: Delivery, piece: Piece) -> None:
    """Set the order of sources of a piece: sources with wrong bytes come last."""
    if not delivery.mirrors or not piece.item.digests:
        return
    main = delivery.source.address
    now = monotonic()
    piece.next_sources = sorted(
        (main, *delivery.mirrors.addresses()), key=lambda one: _last_until_s.get(one, 0.0) > now
    )
    if piece.next_sources[0] == main:
        piece.next_sources = piece.next_sources[1:]
    else:
        switch_source(delivery, piece, None)
        piece.redirected = False


def switch_source(delivery: Delivery, piece: Piece, error: CatalogError | None) -> bool:
    """Switch a piece that failed at its source to the next one; False if there is none."""
    if isinstance(error, IntegrityError):
        _last_until_s[source_of(delivery, piece).address] = monotonic() + COOL_DOWN_S
    while piece.next_sources:
        address, *piece.next_sources = piece.next_sources
        try:
            main = address == delivery.source.address
            piece.source = None if main else delivery.mirrors.end(address)
        except CatalogError:
            continue  # it cannot even be opened
        piece.redirected = True
        piece.attempts = 0  # each source has its own retries
        return True
    return False


def with_planned_fingerprint(piece: Piece, resource: Resource) -> Resource:
    """Replace a mirror's own etag and time by the planned ones."""
    if piece.source is None:
        return resource
    return replace(resource, etag=piece.item.etag, modified_us=piece.item.modified_us)
