"""Reads a stored file block by block, for slow clients.

A local file is opened once. In other storages each block is a separate request, pinned to the etag,
so that a slow client does not occupy a connection of the repository.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from catalog.errors import ResourceChanged, SizeMismatch
from catalog.model.resource import Resource
from gateway.http.range_header import ByteRange
from providers.base import Reader, Source
from providers.interfaces.random_access import FileOpener, OpenFile
from transfer.batch.endpoints import Endpoint
from transfer.workers.stop import StopFlag

LOCAL = 2**18  # bytes of a block; each slow client keeps one in memory
REMOTE = 2**20  # bytes of a block; each needs a request


class BlockReader(Protocol):
    """Reads blocks in order; may be called from changing threads."""

    resource: Resource

    def next_block(self) -> bytes:
        """Return the next bytes; empty at the end."""
        ...

    def close(self) -> None:
        """Close it; safe to call at any time, and repeatedly."""
        ...


class FileBlockReader:
    """Reads an open file from `start` up to, but not including, `stop`."""

    def __init__(self, file: OpenFile, start: int, stop: int) -> None:
        """Own `file`."""
        self.resource = file.resource
        self._file, self._at, self._stop = file, start, stop

    def next_block(self) -> bytes:
        """Return the next bytes."""
        count = min(LOCAL, self._stop - self._at)
        data = self._file.read_at(self._at, count) if count > 0 else b""
        self._at += len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RangeBlockReader:
    """Reads a file with one request per block; the file must not change meanwhile."""

    def __init__(
        self,
        end: Endpoint[Source],
        path: str,
        etag: str | None,
        start: int,
        stop: int,
        flag: StopFlag,
    ) -> None:
        """Read the first block."""
        self._end, self._path, self._flag = end, path, flag
        self._at, self._stop = start, stop
        self._etag = etag
        self._first: bytes | None = None
        self.resource = Resource(path)
        self._first = self._read_block()
        self._etag = self.resource.etag

    def next_block(self) -> bytes:
        """Return the next bytes."""
        data, self._first = self._first, None
        return self._read_block() if data is None else data

    def close(self) -> None:
        """Do nothing: nothing is open between blocks."""

    def _read_block(self) -> bytes:
        count = min(REMOTE, self._stop - self._at)
        if count <= 0 and self.resource.size is not None:
            return b""
        storage = self._end.storage
        with self._end.limiter.connection(self._flag):
            if count <= 0:
                self.resource = storage.stat(self._path)
                return b""
            reader = storage.read(self._path, etag=self._etag, start=self._at, length=count)
            data = b"".join(_read_and_close(reader))
        if self._etag is not None and reader.resource.etag not in (self._etag, None):
            raise ResourceChanged(f"{self._path!r} changed while it was sent", path=self._path)
        if len(data) != count:
            raise SizeMismatch(self._path, count, len(data))
        self.resource = reader.resource
        self._end.limiter.throttle(count, self._flag)
        self._at += count
        return data


class StreamBlockReader:
    """Reads a file in one request, for storages without ranges; holds a connection until closed."""

    def __init__(self, end: Endpoint[Source], path: str, etag: str | None, flag: StopFlag) -> None:
        """Start reading."""
        self._held = _hold_connection(end, flag)
        self._held.__enter__()
        try:
            self._reader = end.storage.read(path, etag=etag)
        except BaseException:
            self._held.__exit__(None, None, None)
            raise
        self._end, self._flag = end, flag
        self.resource = self._reader.resource
        self.headers: tuple[tuple[str, str], ...] = getattr(self._reader, "reply_headers", ())
        self._chunks = iter(self._reader)
        self._open = True

    def next_block(self) -> bytes:
        """Return the next bytes."""
        for chunk in self._chunks:
            if len(chunk):
                self._end.limiter.throttle(len(chunk), self._flag)
                return bytes(chunk)
        return b""

    def close(self) -> None:
        """Stop reading and release the connection."""
        if self._open:
            self._open = False
            self._reader.close()
            self._held.__exit__(None, None, None)


def open_block_reader(
    end: Endpoint[Source],
    path: str,
    flag: StopFlag,
    *,
    etag: str | None = None,
    size: int | None = None,
    part: ByteRange | None = None,
) -> BlockReader:
    """Open a stored file, or a part of it; an unknown `size` is looked up.

    Raises:
        StorageError: the file cannot be read, or has a different etag.
    """
    storage = end.storage
    start, stop = (0, size) if part is None else (part.start, part.stop)
    if storage.capabilities.random_access and isinstance(storage, FileOpener):
        file = storage.open_file(path, etag=etag)
        return FileBlockReader(file, start, (file.resource.size or 0) if stop is None else stop)
    if storage.capabilities.ranges:
        if stop is None:
            with end.limiter.connection(flag):
                resource = storage.stat(path)
            etag, stop = etag or resource.etag, resource.size
        if stop is not None:
            return RangeBlockReader(end, path, etag, start, stop, flag)
    blocks = StreamBlockReader(end, path, etag, flag)
    return blocks if part is None else _SlicedReader(blocks, part)


class _SlicedReader:
    """Reads a part of sequential blocks."""

    def __init__(self, blocks: BlockReader, part: ByteRange) -> None:
        self.resource = blocks.resource
        self._blocks, self._skip, self._left = blocks, part.start, part.length

    def next_block(self) -> bytes:
        """Return the next bytes of the part."""
        while self._left != 0:
            data = self._blocks.next_block()
            if not data:
                return b""
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:][: self._left]
            self._left -= len(data)
            if data:
                return data
        return b""

    def close(self) -> None:
        """Stop reading."""
        self._blocks.close()


@contextmanager
def _hold_connection(end: Endpoint[Source], flag: StopFlag) -> Generator[None]:
    with end.limiter.connection(flag):
        yield


def _read_and_close(reader: Reader) -> Generator[bytes]:
    try:
        for chunk in reader:
            yield bytes(chunk)
    finally:
        reader.close()
