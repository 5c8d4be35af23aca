"""A reader for storages that can only load a file whole."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.model.resource import Resource
from providers.base import Chunk
from providers.error_boundary import error_boundary

CHUNK = 2**20  # bytes


@error_boundary
class BufferedReader:
    """Serves bytes in memory as a reader."""

    def __init__(self, data: bytes, resource: Resource) -> None:
        """Serve `data`, which `resource` describes."""
        self.resource = resource
        self._data = memoryview(data)

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in chunks."""
        for start in range(0, len(self._data), CHUNK):
            yield self._data[start : start + CHUNK]

    def close(self) -> None:
        """Free the bytes."""
        self._data = memoryview(b"")
