"""The layout `versioned`: each version of a path is stored under its number, never overwritten.

Below the root are `my/0/resource.txt`, `my/1/resource.txt` …, and `current`, the manifest of the
published number of each path. To the engine it is an ordinary storage: it reads and writes paths,
and each new file gets the next number. The etag of a path is its number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from catalog.errors import (
    InvalidInput,
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
    UnexpectedReply,
)
from catalog.formats.manifest import CURRENT
from catalog.model.digest import Digest
from catalog.model.gap import Gap, Listed, gap_from_error
from catalog.model.resource import Resource
from catalog.queries.holdings import Holding
from providers.base import Attributes, Chunk, Fetched, Reader, Storage, Stored, Writer
from providers.capabilities import Capabilities
from providers.interfaces.random_access import OpenFile, open_file
from providers.layouts.aliased_reader import AliasedReader, immutable_capabilities
from providers.layouts.listing_index import ListingIndex, RecordedHoldings
from providers.layouts.manifest_source import filter_listing, list_manifest
from providers.layouts.number_allocator import NumberAllocator
from providers.layouts.numbered_names import NUMBERS, is_number, number_key, split_numbered_path

_NAMED = f"{NUMBERS}/"


class VersionedLayout:
    """A storage with this layout below its root.

    `recorded` returns its holdings by the catalog; without it the published manifest is used.
    `numbers` is shared by all writers.
    """

    def __init__(
        self,
        storage: Storage,
        recorded: RecordedHoldings | None = None,
        numbers: NumberAllocator | None = None,
    ) -> None:
        """Wrap the storage of the root."""
        self._storage = storage
        self._recorded = recorded
        self._numbers = numbers or NumberAllocator()
        self._current: dict[str, str | None] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Return the capabilities; a name may be a file and a folder, and files never change."""
        return immutable_capabilities(self._storage.capabilities)

    def check_name(self, path: str) -> None:
        """Refuse a name whose numbered form a manifest or the storage cannot hold."""
        key = number_key(path, "0")
        if "\n" in key or "\r" in key or key.startswith(("#", "\ufeff")):
            raise NameNotAllowed(
                path, "the layout versioned", "it cannot be written as a line of a manifest"
            )
        if path.startswith(f"{CURRENT}/"):
            raise NameNotAllowed(
                path, "the layout versioned", f"a folder cannot be named {CURRENT!r}"
            )
        self._storage.check_name(path)
        self._storage.check_name(key)

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield the published set, or those of the recorded files that are stored."""
        return filter_listing(self._list_files(), prefix, recursive=recursive)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file."""
        key, number = self._locate(path)
        return _describe(path, number, self._storage.stat(key))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a small file whole; its etag is its number."""
        key, number = self._locate(path, etag)
        fetched = self._storage.fetch(key)
        return replace(fetched, resource=_describe(path, number, fetched.resource))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reader:
        """Read in chunks."""
        key, number = self._locate(path, etag)
        reader = self._storage.read(key, start=start, length=length)
        return AliasedReader(reader, _describe(path, number, reader.resource))

    def open_file(self, path: str, *, etag: str | None = None) -> OpenFile:
        """Open a file for random access, if the storage supports it."""
        return open_file(self._storage, self._locate(path, etag)[0])

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file under its next number."""
        number = self._take_number(path)
        key = number_key(path, number)
        stored = self._storage.put(key, data, replace(attributes, modified_us=None))
        if stored.size != len(data):
            self._storage.remove(key)
            raise SizeMismatch(path, len(data), stored.size)
        return replace(stored, etag=number, modified_us=None)

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Writer:
        """Start writing a large file under its next number."""
        number = self._take_number(path)
        attributes = replace(attributes, modified_us=None)
        writer = self._storage.write(number_key(path, number), attributes, size=size)
        return _NumberedWriter(writer, self._numbers, path, number)

    def remove(self, path: str) -> None:
        """Do nothing: the next set omits it, and `prune` removes what no version needs."""

    def numbered_path(self, path: str, etag: str | None) -> str | None:
        """Return the name to read one version of a path by; None if `etag` is not a number."""
        if etag is None or not is_number(etag):
            return None
        return _NAMED + number_key(path, etag)

    def find_version(self, path: str, etag: str, size: int | None) -> Stored | None:
        """Return the stored version of a path; None if there is none of this size."""
        try:
            found = self._storage.stat(number_key(path, etag))
        except ResourceNotFound:
            return None
        if found.size is None or (size is not None and found.size != size):
            return None
        return Stored(found.size, etag=etag)

    def close(self) -> None:
        """Close the wrapped storage."""
        self._storage.close()

    def _take_number(self, path: str) -> str:
        return self._numbers.take(path, self._list_keys)

    def _list_keys(self) -> Iterator[str]:
        try:
            for one in self._storage.enumerate():
                if isinstance(one, Gap):
                    why = f"the version numbers in use cannot be determined: {one}"
                    raise UnexpectedReply(why, path=one.path)
                yield one.path
        except ResourceNotFound:  # nothing was ever written
            return

    def _list_files(self) -> Iterator[Listed]:
        if self._recorded is None:
            yield from self._list_published()
            return
        there = ListingIndex(self._storage)
        for holding in self._recorded():
            key = _key_of(holding)
            try:
                size = None if key is None else there.size(key, holding.size)
            except StorageError as error:
                if error.retryable:
                    raise
                yield gap_from_error(error, holding.path, below=False)
                continue
            if size is not None:
                digests = (Digest("sha256", holding.digest),)
                yield Resource(holding.path, size=size, etag=holding.etag, digests=digests)

    def _list_published(self) -> Iterator[Resource]:
        for one in list_manifest(self._storage, CURRENT):
            found = split_numbered_path(one.path)
            if found is None:
                raise InvalidInput(
                    f"the manifest {CURRENT!r} lists {one.path!r}, which has no version number"
                )
            yield replace(one, path=found[0], etag=found[1])

    def _locate(self, path: str, etag: str | None = None) -> tuple[str, str]:
        """Return the stored path of a version and its number; the published one by default.

        A name from `numbered_path` is one fixed version.
        """
        named = split_numbered_path(path.removeprefix(_NAMED)) if path.startswith(_NAMED) else None
        if named is not None:
            return path.removeprefix(_NAMED), named[1]
        number = self._current_number(path) if etag is None else etag
        if not is_number(number):
            raise ResourceChanged(f"{path!r} no longer has the etag {number!r}", path=path)
        return number_key(path, number), number

    def _current_number(self, path: str) -> str:
        if self._current is None:
            known = self._list_published() if self._recorded is None else self._recorded()
            self._current = {one.path: one.etag for one in known}
        found = self._current.get(path)
        if found is None:
            raise ResourceNotFound(f"{path!r} is not in the published set", path=path)
        return found


class _NumberedWriter:
    """Writes a large file; releases its number if it is aborted before the commit."""

    def __init__(self, writer: Writer, numbers: NumberAllocator, path: str, number: str) -> None:
        self._writer = writer
        self._numbers = numbers
        self._path = path
        self._number = number
        self._named = False

    def write(self, chunk: Chunk) -> None:
        """Take the next bytes."""
        self._writer.write(chunk)

    def commit(self, digest: Digest) -> Stored:
        """Commit the file under its number."""
        self._named = True  # even if the commit fails, the file may exist
        return replace(self._writer.commit(digest), etag=self._number, modified_us=None)

    def abort(self) -> None:
        """Leave nothing behind."""
        self._writer.abort()
        if not self._named:
            self._numbers.release(self._path, self._number)


def _key_of(holding: Holding) -> str | None:
    if holding.etag is None or not is_number(holding.etag):
        return None
    return number_key(holding.path, holding.etag)


def _describe(path: str, number: str, found: Resource) -> Resource:
    return replace(found, path=path, etag=number, modified_us=None)
