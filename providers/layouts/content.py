"""The layout `content`: files are stored by digest, and a manifest lists the published ones.

Below the root are `sha256/ab/cdef…`, written once and never changed, and `current`, the manifest
of the published set. To the engine it is an ordinary storage: it reads and writes paths, while the
bytes are stored under their digest. The etag of a path is the digest of its bytes.
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
from catalog.model.gap import Listed, gap_from_error
from catalog.model.resource import Resource
from providers.base import Attributes, Chunk, Fetched, Reader, Storage, Stored, Writer
from providers.capabilities import Capabilities
from providers.interfaces.random_access import OpenFile, open_file
from providers.layouts.aliased_reader import AliasedReader, immutable_capabilities
from providers.layouts.content_names import FOLDER, content_path, digest_of_path
from providers.layouts.listing_index import ListingIndex, RecordedHoldings
from providers.layouts.manifest_source import filter_listing, list_manifest

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ContentLayout:
    """A storage with this layout below its root.

    `recorded` returns its holdings by the catalog; without it the published manifest is used.
    """

    def __init__(self, storage: Storage, recorded: RecordedHoldings | None = None) -> None:
        """Wrap the storage of the root."""
        self._storage = storage
        self._recorded = recorded
        self._current: dict[str, str] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Return the capabilities; a name may be a file and a folder, and files never change."""
        return immutable_capabilities(self._storage.capabilities)

    def check_name(self, path: str) -> None:
        """Refuse a name that cannot be a line of a manifest, or that the layout uses itself."""
        if "\n" in path or "\r" in path or path.startswith(("#", "\ufeff")) or not path.strip():
            raise NameNotAllowed(
                path, "the layout content", "it cannot be written as a line of a manifest"
            )
        if digest_of_path(path) is not None:
            raise NameNotAllowed(
                path, "the layout content", "such names are reserved for the layout's own files"
            )

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield the published set, or those of the recorded files that are stored."""
        return filter_listing(self._list_files(), prefix, recursive=recursive)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file."""
        sha256 = self._sha256(path)
        return _describe(path, sha256, self._storage.stat(content_path(sha256)))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a small file whole; its etag is its digest."""
        sha256 = self._sha256(path, etag)
        fetched = self._storage.fetch(content_path(sha256))
        return replace(fetched, resource=_describe(path, sha256, fetched.resource))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reader:
        """Read in chunks."""
        sha256 = self._sha256(path, etag)
        reader = self._storage.read(content_path(sha256), start=start, length=length)
        return AliasedReader(reader, _describe(path, sha256, reader.resource))

    def open_file(self, path: str, *, etag: str | None = None) -> OpenFile:
        """Open a file for random access, if the storage supports it."""
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
        """Start writing a large file; its attributes must have the digest, which is its name."""
        sha256 = attributes.sha256
        if sha256 is None:
            raise NotSupported(
                f"{path!r} cannot be written: the layout content needs its digest in advance",
                path=path,
            )
        attributes = _without_path(attributes, sha256)
        writer = self._storage.write(content_path(sha256), attributes, size=size)
        return _ContentWriter(writer, path, sha256)

    def remove(self, path: str) -> None:
        """Do nothing: the next set omits it, and `prune` removes what no set uses."""

    def path_of(self, sha256: str) -> str:
        """Return the path of the bytes with a digest (hex)."""
        return content_path(sha256)

    def find_digest(self, sha256: str, size: int | None) -> Stored | None:
        """Return the stored file with a digest; None if there is none of this size."""
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
                yield gap_from_error(error, holding.path, below=False)
                continue
            if size is not None:
                yield _listed_resource(holding.path, holding.digest, size)

    def _list_published(self) -> Iterator[Resource]:
        for entry in list_manifest(self._storage, CURRENT):
            yield _listed_resource(entry.path, entry.digests[0].value, entry.size)

    def _sha256(self, path: str, etag: str | None = None) -> str:
        named = digest_of_path(path)
        if named is not None:
            return named
        if etag is not None:
            if not _DIGEST.fullmatch(etag):
                raise ResourceChanged(f"{path!r} no longer has the etag {etag!r}", path=path)
            return etag
        if self._current is None:
            if self._recorded is None:
                self._current = {entry.path: entry.etag or "" for entry in self._list_published()}
            else:
                self._current = {one.path: one.digest for one in self._recorded()}
        found = self._current.get(path)
        if found is None:
            raise ResourceNotFound(f"{path!r} is not in the published set", path=path)
        return found


class _ContentWriter:
    """Writes a file whose digest was given in advance, and checks it at commit."""

    def __init__(self, writer: Writer, path: str, sha256: str) -> None:
        self._writer = writer
        self._path = path
        self._sha256 = sha256

    def write(self, chunk: Chunk) -> None:
        """Take the next bytes."""
        self._writer.write(chunk)

    def commit(self, digest: Digest) -> Stored:
        """Commit the file under its digest."""
        if digest.value != self._sha256:
            raise DigestMismatch(self._path, f"sha256:{self._sha256}", str(digest))
        return replace(self._writer.commit(digest), etag=self._sha256, modified_us=None)

    def abort(self) -> None:
        """Leave nothing behind."""
        self._writer.abort()


def _without_path(attributes: Attributes, sha256: str) -> Attributes:
    """Return the attributes without those of one path, because paths can share bytes."""
    return Attributes(attributes.content_type, None, sha256=sha256, md5=attributes.md5)


def _listed_resource(path: str, sha256: str, size: int | None) -> Resource:
    return Resource(path, size=size, etag=sha256, digests=(Digest("sha256", sha256),))


def _describe(path: str, sha256: str, found: Resource) -> Resource:
    digests = (Digest("sha256", sha256),)
    return replace(found, path=path, etag=sha256, modified_us=None, digests=digests)
