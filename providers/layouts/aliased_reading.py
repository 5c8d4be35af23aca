"""What a storage gives under one name, told of as another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from catalog.model.resource import Resource
from providers.base import Chunk, Reading
from providers.capabilities import Capabilities
from providers.interfaces.range_support import Ranged


def immutable_capabilities(can: Capabilities) -> Capabilities:
    """Return what a storage can under whose names nothing ever changes; each has its etag."""
    return replace(
        can,
        tree=False,
        sizes=True,
        etags=True,
        pinned_reads=True,
        digests=("sha256",),
        copy=False,
        links=False,
    )


class AliasedReading:
    """A body that is described by the path it was asked for by."""

    def __init__(self, reading: Reading, resource: Resource) -> None:
        """Give the bytes of `reading` as those of `resource`."""
        self._reading = reading
        self.resource = resource

    @property
    def ranged(self) -> bool:
        """Say whether only the range comes."""
        return not isinstance(self._reading, Ranged) or self._reading.ranged

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in order."""
        return iter(self._reading)

    def close(self) -> None:
        """End the read."""
        self._reading.close()
