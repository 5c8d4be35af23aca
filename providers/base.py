"""The protocols that the engine uses to talk to a storage.

A provider is a settings model (`ProviderSettings`) that connects and opens storages on its
connections. Connections and storages are thread-safe, verify no digests themselves, and raise
only errors of `catalog.errors`. Interfaces are protocols: nothing inherits from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict

from catalog.model.digest import Digest
from catalog.model.gap import Listed
from catalog.model.outcome import Proof
from catalog.model.resource import NO_PROPERTIES, Resource
from catalog.paths import clean_prefix
from providers.capabilities import Capabilities
from providers.connection import Connection, OnClose, OwnConnection, keep_open
from providers.error_boundary import open_connection

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Chunk = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Attributes:
    """Metadata that is sent with the bytes; a destination keeps what it can."""

    content_type: str | None = None
    modified_us: int | None = None
    sha256: str | None = None  # hex, for small files; a `Writer` gets its digest at commit
    md5: str | None = None  # hex, for small files whose source had to compute it anyway
    properties: Mapping[str, str] = field(default_factory=lambda: NO_PROPERTIES)
    mode: int | None = None  # permission bits


@dataclass(frozen=True, slots=True)
class Fetched:
    """A small file read whole, and the resource as the storage described it in that reply."""

    data: bytes
    resource: Resource
    md5: str | None = None  # hex, computed from `data` where it was needed to verify it


@dataclass(frozen=True, slots=True)
class Stored:
    """What a destination reports about a file that is now visible under its final name."""

    size: int
    etag: str | None = None
    modified_us: int | None = None
    proof: Proof = Proof.STORED


class Reader(Protocol):
    """A file being read in chunks; `resource` is how the storage described it."""

    @property
    def resource(self) -> Resource:
        """Return the resource as the storage described it when the read began."""
        ...

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in order; each chunk is valid only until the next one."""
        ...

    def close(self) -> None:
        """Stop reading and release the connection."""
        ...


class Writer(Protocol):
    """A file being written: invisible under its final name until `commit`."""

    def write(self, chunk: Chunk) -> None:
        """Write the next bytes."""
        ...

    def commit(self, digest: Digest) -> Stored:
        """Make the complete file visible; `digest` is the sha256 of everything written."""
        ...

    def abort(self) -> None:
        """Discard what was written; safe to call after any failure, and repeatedly."""
        ...


@runtime_checkable
class Source(Protocol):
    """A storage that can be read."""

    @property
    def capabilities(self) -> Capabilities:
        """Return what this storage can do."""
        ...

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file at or below `prefix`, and a gap for everything that cannot be listed.

        Folders are never yielded. If `prefix` is a file, it is yielded (and what is below it,
        where a storage allows both); a missing prefix yields nothing. A root that cannot be
        listed is an error.
        """
        ...

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file; raise `ResourceNotFound` if it does not exist."""
        ...

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a small file whole; raise `ResourceChanged` if it no longer has the given etag."""
        ...

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reader:
        """Read `length` bytes (default: to the end) from offset `start`, in chunks."""
        ...

    def remove(self, path: str) -> None:
        """Delete one file; do nothing if it does not exist."""
        ...

    def close(self) -> None:
        """Close what `open` opened; a connection made separately stays open."""
        ...


@runtime_checkable
class Destination(Protocol):
    """A storage that can be written to; files appear at their final name whole or not at all."""

    @property
    def capabilities(self) -> Capabilities:
        """Return what this storage can do."""
        ...

    def check_name(self, path: str) -> None:
        """Raise `NameNotAllowed` if this storage cannot store `path`; sends no request."""
        ...

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """List as `Source.enumerate` does, without `.entrepot/` and temporary names."""
        ...

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file; raise `ResourceNotFound` if it does not exist."""
        ...

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file whole."""
        ...

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Writer:
        """Start writing a large file of `size` bytes, if known."""
        ...

    def remove(self, path: str) -> None:
        """Delete one file; do nothing if it does not exist."""
        ...

    def close(self) -> None:
        """Close what `open` opened; a connection made separately stays open."""
        ...


@runtime_checkable
class Copier(Protocol):
    """A destination that can copy within its own store (`capabilities.copy`)."""

    def copies_from(self, origin: object) -> bool:
        """Return whether `origin` is in the same store, so that it can be copied server-side."""
        ...

    def copy_from(
        self, origin: Source, origin_path: str, path: str, *, etag: str | None
    ) -> Stored | None:
        """Copy server-side from `origin`; return None if this file has to be transferred."""
        ...


@runtime_checkable
class SupportsQuickListing(Source, Protocol):
    """A source whose listing has few details and where each `stat` costs a request."""

    def list_names(self, prefix: str = "") -> Iterator[Listed] | None:
        """List names, with sizes where exact; return None if `enumerate` is just as cheap."""
        ...

    def is_listed(self, path: str) -> bool:
        """Check again whether the listing contains a file that was not found."""
        ...


class Storage(Source, Destination, Protocol):
    """A storage that can be read and written."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Four time-outs in seconds; None means none. By default only idle time is limited."""

    connect_s: float = 10.0
    read_s: float = 30.0
    write_s: float = 30.0
    total_s: float | None = None


PART = 8 * 2**20  # bytes; part size of large files, unless memory is scarce


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """A repository's settings for every connection to its storage."""

    connections: int = 64
    timeouts: Timeouts = Timeouts()
    part: int = PART
    """Part size in bytes where large files move in parts; a few parts are in memory at once."""


class ProviderSettings(BaseModel):
    """The settings of one provider: what a user enters to reach one location.

    A subclass has `type: Literal["…"]`; each field has a title, and a description that ends in a
    full stop; secrets are `SecretStr`. `connect` reads only what is in `connection_key` (PM-5).
    """

    # An invalid value may be a secret, and pydantic would quote it in its message.
    model_config = ConfigDict(extra="forbid", validate_default=True, hide_input_in_errors=True)

    root_field: ClassVar[str] = "path"  # the field that holds the root folder

    def below(self, path: str) -> Self:
        """Return the same settings with the subfolder `path` as the root."""
        inner = clean_prefix(path)
        if not inner:
            return self
        root = str(getattr(self, self.root_field)).rstrip("/")
        joined = f"{root}/{inner}" if root else inner
        return self.model_copy(update={self.root_field: joined})

    def address(self) -> str:
        """Return the canonical URL without secrets, which identifies this location."""
        raise NotImplementedError

    def connection_key(self) -> tuple[object, ...]:
        """Return every value that the connection depends on, secrets included; only hashed."""
        raise NotImplementedError

    def connect(self, options: OpenOptions) -> Connection:
        """Connect; settings that cannot work are reported here, not by `connection_key`."""
        raise NotImplementedError

    def storage(
        self, connection: OwnConnection, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> Storage:
        """Return the storage at this location on a connection: cheap, and it owns nothing."""
        raise NotImplementedError

    def open(self, options: OpenOptions) -> Storage:
        """Open a storage with a connection of its own, which is closed with it."""
        connection = open_connection(self, options)
        try:
            return self.storage(connection, options, on_close=connection.close)
        except BaseException:
            connection.close()
            raise

    def filesystem(self) -> AbstractFileSystem:
        """Return an fsspec filesystem for this location, without listing caches."""
        raise NotImplementedError

    @classmethod
    def from_url(cls, url: str) -> ProviderSettings:
        """Build settings from a URL without secrets, using the ambient identity if there is one."""
        raise NotImplementedError
