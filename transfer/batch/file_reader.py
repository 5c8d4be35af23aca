"""Reads a staged file like a source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from catalog.model.resource import Resource
from providers.base import Chunk

BLOCK = 2**20  # bytes


class FileReader:
    """A staged file as a `Reader`."""

    def __init__(self, file: Path, resource: Resource) -> None:
        """Read `file`; `resource` is the source's description of it."""
        self.resource = resource
        self._file = file.open("rb")

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the file in chunks."""
        while chunk := self._file.read(BLOCK):
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()
