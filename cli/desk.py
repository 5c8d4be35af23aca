"""What the commands about resources ask for, of a gateway or of the catalog itself, in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

Told = dict[str, Any]
"""The metadata of a version as the gateway tells it."""
Moved = Callable[[int], object]
"""Hears of bytes that were moved."""


@dataclass(frozen=True, slots=True)
class Given:
    """What whoever puts a resource says of it; `size` is in bytes, None where nobody knows yet."""

    size: int | None = None
    content_type: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)


@dataclass(frozen=True, slots=True)
class Found:
    """One version that is there; without a digest, its bytes may change while they are read."""

    name: str
    version: int
    size: int | None
    sha256: str | None


class Desk(Protocol):
    """Where resources are handed in and out."""

    def put(self, name: str, file: IO[bytes], given: Given, moved: Moved) -> Told:
        """Store a file as the next version of a name, verified."""
        ...

    def find(self, name: str, version: int | None) -> Found:
        """Return a version, the latest by default; `NotRecorded` where there is none."""
        ...

    def read(self, found: Found, start: int) -> Iterator[bytes]:
        """Yield the bytes of a version from a place on."""
        ...

    def listed(self, prefix: str, properties: str, *, every: bool) -> Iterator[Told]:
        """Yield resources in the order of their names."""
        ...

    def copy(self, name: str, to: str, version: int | None) -> list[Told]:
        """Copy every version, or one, as the next versions of another name."""
        ...

    def move(self, name: str, to: str, version: int | None) -> list[Told]:
        """Move every version, or one, to another name."""
        ...

    def delete(self, name: str, version: int | None) -> list[Told]:
        """Delete every version, or one."""
        ...

    def register(self, name: str, url: str, given: Given) -> Told:
        """Record what lies elsewhere as the next version of a name."""
        ...
