"""Where requests may lead: to places that an operator listed, and else to public addresses alone.

It is asked for each request anew, so for each hop of a redirect too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.errors import InvalidInput
from providers.shared.address import Address


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What a place over HTTP is held to; `own` is the part of it that its credentials are for."""

    listed: tuple[Address, ...]
    own: Address | None = None

    @classmethod
    def parse(cls, listed: Iterable[str], own: str | None = None) -> EgressPolicy:
        """Return the fence around these addresses and all that lies below them."""
        mine = None if own is None else Address.parse(own)
        every = tuple(Address.parse(one) for one in listed)
        return cls(every if mine is None else (*every, mine), mine)

    def is_listed(self, url: str) -> bool:
        """Say whether an operator listed where a URL leads: it may be private then."""
        return any(_within(url, one) for one in self.listed)

    def is_own(self, url: str) -> bool:
        """Say whether a URL may see the credentials of the place."""
        return self.own is None or _within(url, self.own)


def _within(url: str, place: Address) -> bool:
    try:
        return Address.parse(url).below(place) is not None
    except InvalidInput:  # what can be read in two ways is nowhere
        return False
