"""Publishes a version: replaces the manifest in one step; readers see the old or the new one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalog.errors import InvalidInput, ResourceNotFound, SizeMismatch
from catalog.formats.manifest import CURRENT, format_manifest
from catalog.model.digest import Digest, Hasher
from catalog.model.resource import Resource
from catalog.model.version import ContentRow
from providers.base import Attributes, Storage
from transfer.workers.stop import StopFlag

MAX_TITLE_BYTES = 1000  # bytes
BLOCK = 2**20  # bytes of one write
_CONTENT_TYPE = "text/plain; charset=utf-8"


def published_title(storage: Storage) -> str | None:
    """Return the first line of a storage's published manifest; None if there is none."""
    try:
        reader = storage.read(CURRENT)
    except ResourceNotFound:
        return None
    head = bytearray()
    try:
        for chunk in reader:
            head += chunk
            if b"\n" in head or len(head) > MAX_TITLE_BYTES:
                break
    except ResourceNotFound:
        return None
    finally:
        reader.close()
    return bytes(head[:MAX_TITLE_BYTES]).partition(b"\n")[0].decode(errors="replace")


def publish_manifest(
    storage: Storage, title: str, rows: Iterable[ContentRow], stop: StopFlag
) -> int:
    """Replace a storage's published manifest; return its size in bytes."""
    hasher = Hasher()
    writer = storage.write(CURRENT, Attributes(_CONTENT_TYPE))
    try:
        for block in _manifest_blocks(title, rows):
            stop.check()
            hasher.update(block)
            writer.write(block)
        stored = writer.commit(hasher.digest())
    except BaseException:
        writer.abort()
        raise
    if stored.size != hasher.size:
        raise SizeMismatch(CURRENT, hasher.size, stored.size)
    return stored.size


def _manifest_blocks(title: str, rows: Iterable[ContentRow]) -> Iterator[bytes]:
    block = bytearray(f"{title}\n".encode())
    for line in format_manifest(map(_resource, rows), CURRENT):
        block += line.encode()
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _resource(row: ContentRow) -> Resource:
    if row.digest is None:
        raise InvalidInput(f"{row.path!r} cannot be published: its digest is unknown")
    return Resource(row.path, size=row.size, digests=(Digest("sha256", row.digest),))
