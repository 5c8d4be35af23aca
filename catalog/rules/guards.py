"""Guards: what a plan may do without approval, checked before the first byte moves.

>>> from catalog.model.plan import Tally
>>> one = Tally("file:///srv", remove=30, keep=10)
>>> [str(each) for each in violations((one,), Guards())]
['file:///srv: removes 30 of 40 files (75%), at most 50% are allowed']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.model.plan import Tally

SHARE_MIN_REMOVALS = 20  # fewer are always allowed, whatever their share


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits at each destination; None for no limit."""

    removals: int | None = None  # files
    removal_share: float | None = 0.5  # of the files that the destination held, from 20 removals up
    removal_bytes: int | None = None
    bytes: int | None = None  # to be written


@dataclass(frozen=True, slots=True)
class GuardViolation:
    """One guard that a plan exceeds at one destination."""

    address: str
    what: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.address}: {self.what}"


def violations(tallies: Iterable[Tally], guards: Guards) -> tuple[GuardViolation, ...]:
    """Return every guard that a plan's tallies exceed."""
    return tuple(
        GuardViolation(tally.address, what)
        for tally in tallies
        for what in _violations_of(tally, guards)
    )


def _violations_of(tally: Tally, guards: Guards) -> Iterator[str]:
    if guards.removals is not None and tally.remove > guards.removals:
        yield f"removes {tally.remove:,} files, at most {guards.removals:,} are allowed"
    held = tally.remove + tally.replace + tally.keep
    share = tally.remove / held if held else 0.0
    limit = guards.removal_share
    if limit is not None and tally.remove >= SHARE_MIN_REMOVALS and share > limit:
        counts = f"{tally.remove:,} of {held:,} files ({share:.0%})"
        yield f"removes {counts}, at most {limit:.0%} are allowed"
    if guards.removal_bytes is not None and tally.removed_bytes > guards.removal_bytes:
        removed = f"{tally.removed_bytes:,} bytes"
        yield f"removes {removed}, at most {guards.removal_bytes:,} are allowed"
    if guards.bytes is not None and tally.bytes > guards.bytes:
        yield f"writes {tally.bytes:,} bytes, at most {guards.bytes:,} are allowed"
