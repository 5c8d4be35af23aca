"""A plain tar, streamed: written without any extension, read with none allowed.

The headers are Python's; the walk is ours, so that a hostile archive can name nothing that is
not looked at here: no links, no devices, no long names, no sparse files, no hidden headers.
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
    """What takes bytes."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take the next bytes."""
        ...


class ByteSource(Protocol):
    """What gives bytes."""

    def read(self, count: int, /) -> bytes:
        """Return `count` bytes, fewer only at the end."""
        ...


class TarBroken(InvalidInput):
    """A tar ends early, or cannot be read on."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a tar; `kind` says what it is unless it is a regular file."""

    name: str
    size: int
    kind: str | None
    body: Callable[[], Iterator[bytes]]
    """Read the bytes, once; what is not read is skipped."""


def write_member(out: ByteSink, name: str, size: int, chunks: Iterable[bytes]) -> None:
    """Write one regular file of exactly `size` bytes."""
    info = tarfile.TarInfo(name)
    info.size = size
    # GNU's form has room for any size in the header itself; our names are short.
    out.write(info.tobuf(tarfile.GNU_FORMAT))
    written = 0
    for chunk in chunks:
        out.write(chunk)
        written += len(chunk)
    if written != size:
        raise InvalidInput(f"{name!r} has {written} bytes, announced were {size}")
    out.write(bytes(-size % BLOCK))


def write_end(out: ByteSink) -> None:
    """End the tar."""
    out.write(bytes(2 * BLOCK))


def read_members(source: ByteSource) -> Iterator[Member]:
    """Yield every entry in order.

    Raises:
        TarBroken: it ends before its end, or an entry cannot be read.
    """
    position = 0
    while True:
        block = source.read(BLOCK)
        if len(block) == BLOCK and not block.strip(b"\0"):
            return
        if len(block) < BLOCK:
            raise TarBroken(f"it ends at byte {position + len(block)}, before its end")
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.TarError as error:
            raise TarBroken(f"it cannot be read at byte {position}: {error}") from error
        regular = info.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
        kind = None if regular else _ENTRY_KINDS.get(info.type, f"an entry of type {info.type!r}")
        if info.size < 0:
            raise TarBroken(f"it cannot be read at byte {position}: a size below zero")
        # Links and the like have no bytes, whatever size they claim.
        bare = info.type in _ENTRY_KINDS
        size = 0 if bare else info.size
        left = _EntryBody(source, size)
        yield Member(info.name, info.size, kind, left.chunks)
        for _ in left.chunks():
            pass
        left.skip_padding()
        position += BLOCK + size + (-size % BLOCK)


class _EntryBody:
    """What is left of one entry's bytes."""

    def __init__(self, source: ByteSource, size: int) -> None:
        self._source, self._size, self._left = source, size, size

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes that are left."""
        while self._left:
            chunk = self._source.read(min(CHUNK, self._left))
            if not chunk:
                raise TarBroken(f"it ends {self._left} bytes before the end of an entry")
            self._left -= len(chunk)
            yield chunk

    def skip_padding(self) -> None:
        """Skip the rest of the last block."""
        rest = -self._size % BLOCK
        if len(self._source.read(rest)) < rest:
            raise TarBroken("it ends inside the last block of an entry")
