"""Chooses the source that a transfer is read from: the main one, or its mirrors in order.

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
from transfer.batch.endpoints import Endpoint
from transfer.batch.staging import Transfer

COOL_DOWN_S = 300.0  # how long a source with wrong bytes is tried last

_last_until_s: dict[str, float] = {}  # address -> monotonic time


def source_of(delivery: Delivery, transfer: Transfer) -> Endpoint[Source]:
    """Return the source that a transfer is read from now."""
    return transfer.source or delivery.source


def order_sources(delivery: Delivery, transfer: Transfer) -> None:
    """Set the order of sources of a transfer: sources with wrong bytes come last."""
    if not delivery.mirrors or not transfer.item.digests:
        return
    main = delivery.source.address
    now = monotonic()
    transfer.next_sources = sorted(
        (main, *delivery.mirrors.addresses()), key=lambda one: _last_until_s.get(one, 0.0) > now
    )
    if transfer.next_sources[0] == main:
        transfer.next_sources = transfer.next_sources[1:]
    else:
        switch_source(delivery, transfer, None)
        transfer.redirected = False


def switch_source(delivery: Delivery, transfer: Transfer, error: CatalogError | None) -> bool:
    """Switch a transfer that failed at its source to the next one; False if there is none."""
    if isinstance(error, IntegrityError):
        _last_until_s[source_of(delivery, transfer).address] = monotonic() + COOL_DOWN_S
    while transfer.next_sources:
        address, *transfer.next_sources = transfer.next_sources
        try:
            main = address == delivery.source.address
            transfer.source = None if main else delivery.mirrors.end(address)
        except CatalogError:
            continue  # it cannot even be opened
        transfer.redirected = True
        transfer.attempts = 0  # each source has its own retries
        return True
    return False


def with_planned_fingerprint(transfer: Transfer, resource: Resource) -> Resource:
    """Replace a mirror's own etag and time by the planned ones."""
    if transfer.source is None:
        return resource
    return replace(resource, etag=transfer.item.etag, modified_us=transfer.item.modified_us)
