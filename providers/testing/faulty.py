"""A provider that injects faults, to test how syncs handle them.

It is registered only if `ENTREPOT_REHEARSAL` is set, so that forms do not offer it otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from catalog.errors import InvalidInput, StorageError
from catalog.model.digest import Digest
from catalog.model.gap import Listed, gap_from_error
from catalog.model.resource import Resource
from providers.base import (
    Attributes,
    Chunk,
    Fetched,
    OpenOptions,
    ProviderSettings,
    Reader,
    Storage,
    Stored,
    Writer,
)
from providers.capabilities import Capabilities
from providers.connection import Connection, OnClose, keep_open
from providers.registry import settings_from_url
from providers.testing.faults import Fault, Faults, Kind, Where, corrupt, error_of

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class FaultySettings(ProviderSettings, title="Faulty"):
    """Another storage, with injected faults."""

    type: Literal["faulty"] = Field(
        default="faulty", title="Type", description="Another storage, with injected faults."
    )
    url: str = Field(title="URL", description="Address of the storage, without a password.")
    path: str = Field(default="", title="Folder", description="Folder below that address.")
    faults: list[Fault] = Field(
        default_factory=list[Fault], title="Faults", description="Faults to inject."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        settings_from_url(value)
        return value

    @property
    def inner(self) -> ProviderSettings:
        """Return the settings of the actual storage."""
        return settings_from_url(self.url).below(self.path)

    def address(self) -> str:
        """Return `faulty+` and the actual address, so that their identities differ."""
        return f"faulty+{self.inner.address()}"

    def connection_key(self) -> tuple[object, ...]:
        """Return the actual key and the faults, which are counted per connection."""
        inner = self.inner
        return (inner.type, inner.connection_key(), self.url, tuple(self.faults))  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]

    def connect(self, options: OpenOptions) -> _FaultyConnection:
        """Connect to the actual storage; start with no fault injected yet."""
        return _FaultyConnection(self.inner.connect(options), Faults(self.faults))

    def storage(
        self, connection: _FaultyConnection, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> FaultyStorage:
        """Return the storage, with the connection's faults."""
        inner = self.inner.storage(connection.inner, options, on_close=on_close)
        return FaultyStorage(inner, connection.faults)

    def filesystem(self) -> AbstractFileSystem:
        """Return the actual filesystem, without faults."""
        return self.inner.filesystem()

    @classmethod
    def from_url(cls, url: str) -> FaultySettings:
        """Refuse: a URL cannot contain faults."""
        raise InvalidInput(f"{url!r} cannot contain faults: use the settings of a faulty storage")


class _FaultyConnection:
    """A connection to the actual storage, and its remaining faults."""

    def __init__(self, inner: Connection, faults: Faults) -> None:
        self.inner, self.faults = inner, faults

    def close(self) -> None:
        """Close the actual one."""
        self.inner.close()


class FaultyStorage:
    """A storage that delegates to another one and injects faults."""

    def __init__(self, inner: Storage, faults: Faults) -> None:
        """Wrap a storage."""
        self._inner, self._faults = inner, faults
        can = inner.capabilities
        self.capabilities = Capabilities(
            writable=can.writable,
            tree=can.tree,
            sizes=can.sizes,
            etags=can.etags,
            ranges=can.ranges,
            pinned_reads=can.pinned_reads,
            digests=can.digests,
            long_round_trip=can.long_round_trip,
        )

    def check_name(self, path: str) -> None:
        """Delegate."""
        self._inner.check_name(path)

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """List the storage, injecting the faults of each file.

        An error that is not retryable becomes a gap, as in other storages.
        """
        for entry in self._inner.enumerate(prefix, recursive=recursive):
            try:
                self._faults.apply(Where.LIST, entry.path)
            except StorageError as error:
                if error.retryable:
                    raise
                yield gap_from_error(error, entry.path, below=False)
            else:
                yield entry

    def stat(self, path: str) -> Resource:
        """Describe a file."""
        self._faults.apply(Where.STAT, path)
        return self._inner.stat(path)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole."""
        fault = self._faults.apply(Where.READ, path)
        if fault is not None and fault.kind is Kind.BROKEN:
            raise error_of(fault, path)
        fetched = self._inner.fetch(path, etag=etag)
        return Fetched(corrupt(fault, fetched.data), fetched.resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reader:
        """Read a file in chunks."""
        fault = self._faults.apply(Where.READ, path)
        reader = self._inner.read(path, etag=etag, start=start, length=length)
        return reader if fault is None else FaultyReader(reader, fault, path)

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file, corrupted if a fault applies."""
        fault = self._faults.apply(Where.WRITE, path)
        return self._inner.put(path, corrupt(fault, data), attributes if fault is None else PLAIN)

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Writer:
        """Begin a large file."""
        fault = self._faults.apply(Where.WRITE, path)
        if fault is None:
            return self._inner.write(path, attributes, size=size)
        return FaultyWriter(self._inner.write(path, attributes), fault)

    def remove(self, path: str) -> None:
        """Delete a file."""
        self._faults.apply(Where.REMOVE, path)
        self._inner.remove(path)

    def close(self) -> None:
        """Close the actual one."""
        self._inner.close()


PLAIN = Attributes()
"""No digests, with which the storage would detect corruption."""


class FaultyReader:
    """A reader with a fault."""

    def __init__(self, inner: Reader, fault: Fault, path: str) -> None:
        """Wrap a reader."""
        self._inner, self._fault, self._path = inner, fault, path

    @property
    def resource(self) -> Resource:
        """Return the actual resource."""
        return self._inner.resource

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the first chunk corrupted; then the rest, nothing, or an error."""
        chunks = iter(self._inner)
        for first in chunks:
            yield corrupt(self._fault, bytes(first))
            break
        if self._fault.kind is Kind.BROKEN:
            raise error_of(self._fault, self._path)
        if self._fault.kind is Kind.FLIPPED:
            yield from chunks

    def close(self) -> None:
        """End the read."""
        self._inner.close()


class FaultyWriter:
    """Writes a corrupted file but reports success."""

    def __init__(self, inner: Writer, fault: Fault) -> None:
        """Wrap a writer."""
        self._inner, self._fault = inner, fault
        self._hash = hashlib.sha256()
        self._begun = False

    def write(self, chunk: Chunk) -> None:
        """Write the next bytes; the first are corrupted."""
        data = bytes(chunk)
        if not self._begun and data:
            data = corrupt(self._fault, data)
            self._begun = True
        self._hash.update(data)
        self._inner.write(data)

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - it would tell that they are wrong
        """Commit the corrupted file."""
        return self._inner.commit(Digest("sha256", self._hash.hexdigest()))

    def abort(self) -> None:
        """Leave nothing behind."""
        self._inner.abort()
