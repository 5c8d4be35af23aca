"""What the commands about resources ask for, of a gateway or of the catalog itself, in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

Metadata = dict[str, Any]
"""The metadata of a version as the gateway tells it."""
OnBytes = Callable[[int], object]
"""Hears of bytes that were moved."""


@dataclass(frozen=True, slots=True)
class UploadDetails:
    """What whoever puts a resource says of it; `size` is in bytes, None where nobody knows yet."""

    size: int | None = None
    content_type: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """One version that is there; without a digest, its bytes may change while they are read."""

    name: str
    version: int
    size: int | None
    sha256: str | None


class ResourceClient(Protocol):
    """Where resources are handed in and out."""

    def put(self, name: str, file: IO[bytes], given: UploadDetails, moved: OnBytes) -> Metadata:
        """Store a file as the next version of a name, verified."""
        ...

    def find(self, name: str, version: int | None) -> ResourceInfo:
        """Return a version, the latest by default; `NotRecorded` where there is none."""
        ...

    def read(self, found: ResourceInfo, start: int) -> Iterator[bytes]:
        """Yield the bytes of a version from a place on."""
        ...

    def listed(self, prefix: str, properties: str, *, every: bool) -> Iterator[Metadata]:
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

    def register(self, name: str, url: str, given: UploadDetails) -> Metadata:
        """Record what lies elsewhere as the next version of a name."""
        ...
