"""Streams plain tar files: written without extensions, and read with none allowed.

Headers are parsed by Python's tarfile, entries are walked here, so that a hostile archive can
contain nothing unexpected: no links, devices, long names, sparse files or hidden headers.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from catalog.errors import InvalidInput

BLOCK = 512  # bytes
CHUNK = 2**20  # bytes
_ENTRY_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a pipe",
}


class ByteSink(Protocol):
    """Something that bytes can be written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Write the next bytes."""
        ...


class ByteSource(Protocol):
    """Something that bytes can be read from."""

    def read(self, count: int, /) -> bytes:
        """Return `count` bytes, fewer only at the end."""
        ...


class TarBroken(InvalidInput):
    """A tar is truncated or malformed."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a tar; `kind` is None for a regular file, else a description."""

    name: str
    size: int
    kind: str | None
    body: Callable[[], Iterator[bytes]]
    """Read the bytes, once; what is not read is skipped."""


def write_member(out: ByteSink, name: str, size: int, chunks: Iterable[bytes]) -> None:
    """Write one regular file of exactly `size` bytes."""
    info = tarfile.TarInfo(name)
    info.size = size
    # The GNU format has any size in the header itself; the names here are short.
    out.write(info.tobuf(tarfile.GNU_FORMAT))
    written = 0
    for chunk in chunks:
        out.write(chunk)
        written += len(chunk)
    if written != size:
        raise InvalidInput(f"{name!r} changed: expected {size:,} bytes, found {written:,}")
    out.write(bytes(-size % BLOCK))


def write_end(out: ByteSink) -> None:
    """Write the end of the tar."""
    out.write(bytes(2 * BLOCK))


def read_members(source: ByteSource) -> Iterator[Member]:
    """Yield every entry in order.

    Raises:
        TarBroken: it is truncated, or an entry cannot be read.
    """
    position = 0
    while True:
        block = source.read(BLOCK)
        if len(block) == BLOCK and not block.strip(b"\0"):
            return
        if len(block) < BLOCK:
            raise TarBroken(f"it is truncated at byte {position + len(block):,}")
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.TarError as error:
            raise TarBroken(f"the entry at byte {position:,} cannot be read: {error}") from error
        regular = info.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
        kind = None if regular else _ENTRY_KINDS.get(info.type, f"an entry of type {info.type!r}")
        if info.size < 0:
            raise TarBroken(f"the entry at byte {position:,} has a negative size")
        # Links and other special entries have no bytes, whatever size they claim.
        bare = info.type in _ENTRY_KINDS
        size = 0 if bare else info.size
        left = _EntryBody(source, size)
        yield Member(info.name, info.size, kind, left.chunks)
        for _ in left.chunks():
            pass
        left.skip_padding()
        position += BLOCK + size + (-size % BLOCK)


class _EntryBody:
    """The bytes of one entry that were not read yet."""

    def __init__(self, source: ByteSource, size: int) -> None:
        self._source, self._size, self._left = source, size, size

    def chunks(self) -> Iterator[bytes]:
        """Yield the remaining bytes."""
        while self._left:
            chunk = self._source.read(min(CHUNK, self._left))
            if not chunk:
                raise TarBroken(f"it is truncated {self._left:,} bytes before the end of an entry")
            self._left -= len(chunk)
            yield chunk

    def skip_padding(self) -> None:
        """Skip the rest of the last block."""
        rest = -self._size % BLOCK
        if len(self._source.read(rest)) < rest:
            raise TarBroken("it is truncated in the last block of an entry")
