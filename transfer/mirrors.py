"""Other sources of the same files, asked in order where the first one fails.

A mirror is only asked for files whose digest the source declared: nothing else could tell that it
holds the same. Each is opened when it is first needed, so one that is down harms nobody, and has
its own credentials, limits and retries. A source whose bytes were wrong is asked last for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

from catalog.errors import CatalogError, IntegrityError
from providers.base import Source

if TYPE_CHECKING:
    from catalog.resource import Resource
    from transfer.job import Delivery, End
    from transfer.staging import Piece

COOL_DOWN_S = 300.0  # a source that failed validation is asked last for so long

_cooling: dict[str, float] = {}  # address -> monotonic time


@dataclass(frozen=True, slots=True)
class Mirror:
    """One mirror: its address, and what opens it."""

    address: str
    opened: Callable[[], AbstractContextManager[End[Source]]]


class Mirrors:
    """The mirrors of one source, opened on demand and closed together."""

    def __init__(self, every: Sequence[Mirror] = ()) -> None:
        """Know `every` mirror, in the order in which they are asked."""
        self._every = tuple(every)
        self._ends: dict[str, End[Source]] = {}
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._every)

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close those that were opened."""
        self._stack.close()

    def addresses(self) -> tuple[str, ...]:
        """Return their addresses in order."""
        return tuple(one.address for one in self._every)

    def end(self, address: str) -> End[Source]:
        """Open a mirror, or return it if it is open."""
        with self._lock:
            if address not in self._ends:
                mirror = next(one for one in self._every if one.address == address)
                self._ends[address] = self._stack.enter_context(mirror.opened())
            return self._ends[address]


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
