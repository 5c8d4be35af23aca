"""The interface of the resource commands to a gateway or to the local catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

Metadata = dict[str, Any]
"""The metadata of a version, in the form of the gateway's replies."""
OnBytes = Callable[[int], object]
"""Called with the number of bytes that were moved."""


@dataclass(frozen=True, slots=True)
class UploadDetails:
    """What the client declares about an upload; `size` is in bytes, None if unknown."""

    size: int | None = None
    content_type: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """One version of a resource; without a digest, its bytes may change while they are read."""

    name: str
    version: int
    size: int | None
    sha256: str | None


class ResourceClient(Protocol):
    """Stores and reads the resources of one tenant."""

    def put(
        self, name: str, file: IO[bytes], details: UploadDetails, on_bytes: OnBytes
    ) -> Metadata:
        """Store a file as the next version of a name, verified."""
        ...

    def find(self, name: str, version: int | None) -> ResourceInfo:
        """Return a version, by default the latest; raise `NotRecorded` if there is none."""
        ...

    def read(self, resource: ResourceInfo, start: int) -> Iterator[bytes]:
        """Yield the bytes of a version, beginning at the offset `start`."""
        ...

    def find_all(self, prefix: str, properties: str, *, every: bool) -> Iterator[Metadata]:
        """Yield resources in the order of their names."""
        ...

    def copy(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Copy every version, or one, as the next versions of another name."""
        ...

    def move(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Move every version, or one, to another name."""
        ...

    def delete(self, name: str, version: int | None) -> list[Metadata]:
        """Delete every version, or one."""
        ...

    def register(self, name: str, url: str, details: UploadDetails) -> Metadata:
        """Record a file at a URL as the next version of a name."""
        ...
