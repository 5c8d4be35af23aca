"""The egress policy: requests may go to addresses that an operator listed, and to public ones.

It is checked for each request, and so for each hop of a redirect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.errors import InvalidInput
from providers.shared.address import Address


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Listed addresses; credentials are sent only to those below `own`."""

    listed: tuple[Address, ...]
    own: Address | None = None

    @classmethod
    def parse(cls, listed: Iterable[str], own: str | None = None) -> EgressPolicy:
        """Return a policy that lists these addresses and everything below them."""
        mine = None if own is None else Address.parse(own)
        every = tuple(Address.parse(entry) for entry in listed)
        return cls(every if mine is None else (*every, mine), mine)

    def is_listed(self, url: str) -> bool:
        """Return whether an operator listed the URL's location, which may then be private."""
        return any(_within(url, entry) for entry in self.listed)

    def is_own(self, url: str) -> bool:
        """Return whether the credentials may be sent to a URL."""
        return self.own is None or _within(url, self.own)


def _within(url: str, place: Address) -> bool:
    try:
        return Address.parse(url).below(place) is not None
    except InvalidInput:  # an ambiguous URL matches nothing
        return False
