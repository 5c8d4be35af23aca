"""Readings and writers for storages that can only move a file whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator

from catalog.digest import Digest
from catalog.resource import Resource
from providers.base import Chunk, Stored

CHUNK = 2**20  # bytes
IN_MEMORY = 8 * 2**20  # bytes; beyond, the file waits on disk


class BufferedReading:
    """Bytes that are already here, as a reading."""

    def __init__(self, data: bytes, resource: Resource) -> None:
        """Serve `data`, which `resource` describes."""
        self.resource = resource
        self._data = memoryview(data)

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in chunks."""
        for start in range(0, len(self._data), CHUNK):
            yield self._data[start : start + CHUNK]

    def close(self) -> None:
        """Let the bytes go."""
        self._data = memoryview(b"")


class BufferedWriter:
    """Collect a file, on disk when it is large, and hand it over whole at commit."""

    def __init__(self, put: Callable[[bytes], Stored]) -> None:
        """Call `put` with all the bytes at commit."""
        self._put = put
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by commit or abort

    def write(self, chunk: Chunk) -> None:
        """Keep the next bytes."""
        self._file.write(chunk)

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - `put` proves what it can
        """Hand the file over."""
        self._file.seek(0)
        data = self._file.read()
        self._file.close()
        return self._put(data)

    def abort(self) -> None:
        """Forget the bytes."""
        self._file.close()
