"""Readings and capabilities of storages that store files under other names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from catalog.model.resource import Resource
from providers.base import Chunk, Reader
from providers.capabilities import Capabilities
from providers.interfaces.range_support import Ranged


def immutable_capabilities(can: Capabilities) -> Capabilities:
    """Return the capabilities of a layout whose stored files never change."""
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


class AliasedReader:
    """A reader described by the path that was requested."""

    def __init__(self, reader: Reader, resource: Resource) -> None:
        """Serve the bytes of `reader` as those of `resource`."""
        self._reader = reader
        self.resource = resource

    @property
    def ranged(self) -> bool:
        """Return whether only the range is sent."""
        return not isinstance(self._reader, Ranged) or self._reader.ranged

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in order."""
        return iter(self._reader)

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()
