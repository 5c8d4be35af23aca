"""What a storage is to the engine: a few small protocols, and what each can do.

A provider is a settings model (`ProviderSettings`) that connects, and makes storages on its
connections. Both are safe to share between threads, verify nothing themselves, and let only
errors of `catalog.errors` out. Interfaces are protocols: nothing inherits from them.
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
    """What travels with the bytes to a destination, where it can keep it."""

    content_type: str | None = None
    modified_us: int | None = None
    sha256: str | None = None  # in hex, of a small file; a `Writer` gets its digest at commit
    md5: str | None = None  # in hex, of a small file, where its source had to compute it
    properties: Mapping[str, str] = field(default_factory=lambda: NO_PROPERTIES)
    mode: int | None = None  # permission bits


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole small body, and the resource as the storage described it with that reply."""

    data: bytes
    resource: Resource
    md5: str | None = None  # in hex, computed of `data`, where that proved it


@dataclass(frozen=True, slots=True)
class Stored:
    """What a destination says of a file that it now shows under its final name."""

    size: int
    etag: str | None = None
    modified_us: int | None = None
    proof: Proof = Proof.STORED


class Reading(Protocol):
    """A body that comes in chunks; `resource` is what the reply said of it."""

    @property
    def resource(self) -> Resource:
        """Describe the resource as the storage did when the read began."""
        ...

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in order; a chunk is valid only until the next one."""
        ...

    def close(self) -> None:
        """End the read early and free its connection."""
        ...


class Writer(Protocol):
    """A file being written: invisible under its final name until `commit`."""

    def write(self, chunk: Chunk) -> None:
        """Take the next bytes."""
        ...

    def commit(self, digest: Digest) -> Stored:
        """Make the file appear whole; `digest` is the sha256 of all that was written."""
        ...

    def abort(self) -> None:
        """Leave nothing behind; may be called after any failure, and twice."""
        ...


@runtime_checkable
class Source(Protocol):
    """A storage that can be read."""

    @property
    def capabilities(self) -> Capabilities:
        """Say what this storage can do."""
        ...

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file at or below `prefix`, and a gap for all that could not be seen.

        Never folders. A `prefix` that is one file yields it (and what lies below, where both can
        be), a missing one nothing. A root that cannot be listed is an error.
        """
        ...

    def stat(self, path: str) -> Resource:
        """Describe one file; `ResourceNotFound` where there is none."""
        ...

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a small file whole; `ResourceChanged` when `etag` is given and another stands."""
        ...

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reading:
        """Read `length` bytes (default: all that follow) from offset `start`, in chunks."""
        ...

    def remove(self, path: str) -> None:
        """Delete one file; absent is fine."""
        ...

    def close(self) -> None:
        """Free what `open` made; what was connected apart stays."""
        ...


@runtime_checkable
class Destination(Protocol):
    """A storage that can be written; a file appears whole under its final name or not at all."""

    @property
    def capabilities(self) -> Capabilities:
        """Say what this storage can do."""
        ...

    def check_name(self, path: str) -> None:
        """Raise `NameNotAllowed` when this storage cannot hold `path`; asks no server."""
        ...

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """List as `Source.enumerate` does, without `.entrepot/` and temporary names."""
        ...

    def stat(self, path: str) -> Resource:
        """Describe one file; `ResourceNotFound` where there is none."""
        ...

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file whole."""
        ...

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> Writer:
        """Begin a large file of `size` bytes, where known."""
        ...

    def remove(self, path: str) -> None:
        """Delete one file; absent is fine."""
        ...

    def close(self) -> None:
        """Free what `open` made; what was connected apart stays."""
        ...


@runtime_checkable
class Copier(Protocol):
    """A destination that can copy within its own store (`capabilities.copy`)."""

    def copies_from(self, origin: object) -> bool:
        """Say whether `origin` is of the same store, so that bytes need not come here."""
        ...

    def copy_from(
        self, origin: Source, origin_path: str, path: str, *, etag: str | None
    ) -> Stored | None:
        """Copy server-side from `origin`; None where this one file must be sent after all."""
        ...


@runtime_checkable
class SupportsQuickListing(Source, Protocol):
    """A source whose listing tells little and whose `stat` costs a request each."""

    def sketch(self, prefix: str = "") -> Iterator[Listed] | None:
        """List names, and exact sizes where they are told; None where `enumerate` is as cheap."""
        ...

    def lists(self, path: str) -> bool:
        """Look a second time whether the listing names a file that was not found."""
        ...


class Storage(Source, Destination, Protocol):
    """A storage that can be read and written."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Four time-outs in seconds; None waits for ever. No total by default: idle is what counts."""

    connect_s: float = 10.0
    read_s: float = 30.0
    write_s: float = 30.0
    total_s: float | None = None


PART = 8 * 2**20  # bytes of a part of a large file, unless memory is scarce


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """What a repository says of every connection to its storage."""

    connections: int = 64
    timeouts: Timeouts = Timeouts()
    part: int = PART
    """Bytes of a part, where a large file moves in parts; a few are in memory at once."""


class ProviderSettings(BaseModel):
    """The settings of one provider: what a person types to reach one place.

    A subclass has `type: Literal["…"]`, each field a title and a description, a full stop at its
    end; secrets are `SecretStr`. `connect` reads what `connection_key` has (PM-5), `storage` more.
    """

    # A refused value may be a secret: pydantic would quote it in its message.
    model_config = ConfigDict(extra="forbid", validate_default=True, hide_input_in_errors=True)

    root_field: ClassVar[str] = "path"  # names the root folder below the connection

    def below(self, path: str) -> Self:
        """Return the same place, rooted at the folder `path` below."""
        inner = clean_prefix(path)
        if not inner:
            return self
        root = str(getattr(self, self.root_field)).rstrip("/")
        joined = f"{root}/{inner}" if root else inner
        return self.model_copy(update={self.root_field: joined})

    def address(self) -> str:
        """Return the canonical URL of this place without any secret: its identity."""
        raise NotImplementedError

    def connection_key(self) -> tuple[object, ...]:
        """Return what decides the connection, secrets revealed; never shown, only hashed."""
        raise NotImplementedError

    def connect(self, options: OpenOptions) -> Connection:
        """Make the connection; settings that cannot work are an error here, not in the key."""
        raise NotImplementedError

    def storage(
        self, connection: OwnConnection, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> Storage:
        """Return the storage rooted at this place: cheap, and it owns nothing."""
        raise NotImplementedError

    def open(self, options: OpenOptions) -> Storage:
        """Connect for one storage alone; closing it closes the connection."""
        connection = open_connection(self, options)
        try:
            return self.storage(connection, options, on_close=connection.close)
        except BaseException:
            connection.close()
            raise

    def filesystem(self) -> AbstractFileSystem:
        """Return the fsspec filesystem of this place, listing caches off."""
        raise NotImplementedError

    @classmethod
    def from_url(cls, url: str) -> ProviderSettings:
        """Build settings from a URL without secrets; ambient identity where there is one."""
        raise NotImplementedError
