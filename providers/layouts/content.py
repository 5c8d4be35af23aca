"""The layout `content`: files lie under their digests, and a manifest says which of them are shown.

Below the root lie `sha256/ab/cdef…`, written once and never changed, and `current`, the manifest of
the set that is shown now. To the engine it is a storage like any other: it reads and writes paths,
and the bytes go to where their digest says. The etag of a path is the digest of its bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from catalog.errors import (
    DigestMismatch,
    NameNotAllowed,
    NotSupported,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
)
from catalog.formats.manifest import CURRENT
from catalog.model.digest import Digest
from catalog.model.gap import Listed, gap_of
from catalog.model.resource import Resource
from providers.base import Attributes, Chunk, Fetched, Reading, Storage, Stored, Writer
from providers.capabilities import Capabilities
from providers.interfaces.random_access import OpenFile, open_file
from providers.layouts.aliased_reading import AliasedReading, immutable_capabilities
from providers.layouts.content_names import FOLDER, content_path, digest_of_path
from providers.layouts.listing_index import ListingIndex, RecordedHoldings
from providers.layouts.manifest import filter_listing, list_manifest

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ContentLayout:
    """A storage below whose root this layout lies; `recorded` tells what it holds by the catalog.

    Without it the published manifest does.
    """

    def __init__(self, storage: Storage, recorded: RecordedHoldings | None = None) -> None:
        """Wrap the storage of the root."""
        self._storage = storage
        self._recorded = recorded
        self._current: dict[str, str] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Say what the storage can; a name may be a file and a folder, and nothing ever changes."""
        return immutable_capabilities(self._storage.capabilities)

    def check_name(self, path: str) -> None:
        """Refuse a name that no line of a manifest can hold, or that is one of the layout's own."""
        if "\n" in path or "\r" in path or path.startswith(("#", "\ufeff")) or not path.strip():
            raise NameNotAllowed(path, "the layout content", "no line of a manifest can hold it")
        if digest_of_path(path) is not None:
            raise NameNotAllowed(path, "the layout content", "its own files bear such names")

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield the set that is shown, or of what is recorded all whose bytes are there."""
        return filter_listing(self._list_files(), prefix, recursive=recursive)

    def stat(self, path: str) -> Resource:
        """Describe one file."""
        sha256 = self._sha256(path)
        return _describe(path, sha256, self._storage.stat(content_path(sha256)))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a small file whole; its etag is its digest."""
        sha256 = self._sha256(path, etag)
        fetched = self._storage.fetch(content_path(sha256))
        return replace(fetched, resource=_describe(path, sha256, fetched.resource))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reading:
        """Read in chunks."""
        sha256 = self._sha256(path, etag)
        reading = self._storage.read(content_path(sha256), start=start, length=length)
        return AliasedReading(reading, _describe(path, sha256, reading.resource))

    def open_file(self, path: str, *, etag: str | None = None) -> OpenFile:
        """Open a file for reading at any place, where the storage can."""
        return open_file(self._storage, content_path(self._sha256(path, etag)))

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file under its digest."""
        sha256 = attributes.sha256 or hashlib.sha256(data).hexdigest()
        key = content_path(sha256)
        stored = self._storage.put(key, data, _without_path(attributes, sha256))
        if stored.size != len(data):
            self._storage.remove(key)
            raise SizeMismatch(path, len(data), stored.size)
        return replace(stored, etag=sha256, modified_us=None)

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Writer:
        """Begin a large file, whose digest the attributes must tell: it is its name."""
        sha256 = attributes.sha256
        if sha256 is None:
            raise NotSupported(
                f"{path!r} cannot be written by its digest: it is not known yet", path=path
            )
        attributes = _without_path(attributes, sha256)
        writer = self._storage.write(content_path(sha256), attributes, size=size)
        return _ContentWriter(writer, path, sha256)

    def remove(self, path: str) -> None:
        """Do nothing: the next set does not name it, and `prune` removes what no set names."""

    def path_of(self, sha256: str) -> str:
        """Return the path of the bytes with a digest in hex."""
        return content_path(sha256)

    def find_digest(self, sha256: str, size: int | None) -> Stored | None:
        """Return what lies here of a digest already."""
        try:
            found = self._storage.stat(content_path(sha256))
        except ResourceNotFound:
            return None
        if found.size is None or (size is not None and found.size != size):
            return None
        return Stored(found.size, etag=sha256)

    def close(self) -> None:
        """Close the wrapped storage."""
        self._storage.close()

    def _list_files(self) -> Iterator[Listed]:
        if self._recorded is None:
            yield from self._list_published()
            return
        there = ListingIndex(self._storage, FOLDER)
        for holding in self._recorded():
            try:
                size = there.size(content_path(holding.digest), holding.size)
            except StorageError as error:
                if error.retryable:
                    raise
                yield gap_of(error, holding.path, below=False)
                continue
            if size is not None:
                yield _listed_resource(holding.path, holding.digest, size)

    def _list_published(self) -> Iterator[Resource]:
        for one in list_manifest(self._storage, CURRENT):
            yield _listed_resource(one.path, one.digests[0].value, one.size)

    def _sha256(self, path: str, etag: str | None = None) -> str:
        named = digest_of_path(path)
        if named is not None:
            return named
        if etag is not None:
            if not _DIGEST.fullmatch(etag):
                raise ResourceChanged(f"{path!r} has no etag {etag!r} any more", path=path)
            return etag
        if self._current is None:
            if self._recorded is None:
                self._current = {one.path: one.etag or "" for one in self._list_published()}
            else:
                self._current = {one.path: one.digest for one in self._recorded()}
        found = self._current.get(path)
        if found is None:
            raise ResourceNotFound(f"no {path!r} is in the set that is shown", path=path)
        return found


class _ContentWriter:
    """A file whose digest was told before its bytes came, and which must then be theirs."""

    def __init__(self, writer: Writer, path: str, sha256: str) -> None:
        self._writer = writer
        self._path = path
        self._sha256 = sha256

    def write(self, chunk: Chunk) -> None:
        """Take the next bytes."""
        self._writer.write(chunk)

    def commit(self, digest: Digest) -> Stored:
        """Make the file appear under its digest."""
        if digest.value != self._sha256:
            raise DigestMismatch(self._path, f"sha256:{self._sha256}", str(digest))
        return replace(self._writer.commit(digest), etag=self._sha256, modified_us=None)

    def abort(self) -> None:
        """Leave nothing behind."""
        self._writer.abort()


def _without_path(attributes: Attributes, sha256: str) -> Attributes:
    """Leave out what is of one path: bytes are shared, and their time is that of their writing."""
    return Attributes(attributes.content_type, None, sha256=sha256, md5=attributes.md5)


def _listed_resource(path: str, sha256: str, size: int | None) -> Resource:
    return Resource(path, size=size, etag=sha256, digests=(Digest("sha256", sha256),))


def _describe(path: str, sha256: str, found: Resource) -> Resource:
    digests = (Digest("sha256", sha256),)
    return replace(found, path=path, etag=sha256, modified_us=None, digests=digests)
