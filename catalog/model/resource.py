"""The resource: one file of a repository, as described by a listing or a reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.model.digest import Digest

LATEST_US = (2**32 - 1) * 1_000_000
"""The last second that every protocol supports, in 2106, in microseconds since 1970."""
NO_PROPERTIES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resource:
    """One file: its path below its repository's root, and what is known without reading it.

    `path` is '/'-separated and relative. `size` is in bytes, `modified_us` in microseconds
    since the epoch (UTC); either is None if the storage does not say. `etag` is the
    storage's own opaque mark of this state of the bytes. `digests` are those the source declares.
    `properties` are copied to every destination that can store them.
    """

    path: str
    size: int | None = None
    etag: str | None = None
    modified_us: int | None = None
    digests: tuple[Digest, ...] = ()
    content_type: str | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: NO_PROPERTIES)
    mode: int | None = None
    """Permission bits, 0o777 at most: they are copied with the file and not recorded."""
