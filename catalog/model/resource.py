"""The resource: one file of a repository, as a listing or a reply describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from catalog.model.digest import Digest

LATEST_US = (2**32 - 1) * 1_000_000
"""The last second, in 2106, that every protocol can tell, in microseconds since 1970."""
NO_PROPERTIES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resource:
    """One file: where it is below its repository's root, and what is known of it unread.

    `path` is '/'-separated and relative. `size` is in bytes, `modified_us` in microseconds
    since the epoch (UTC); either is None where the storage does not say. `etag` is the
    storage's own opaque mark of this state of the bytes. `digests` are those the source declares.
    `properties` travel from the listing to every destination that can keep them.
    """

    path: str
    size: int | None = None
    etag: str | None = None
    modified_us: int | None = None
    digests: tuple[Digest, ...] = ()
    content_type: str | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: NO_PROPERTIES)
    mode: int | None = None
    """Permission bits, 0o777 at most: they travel from a file to its copy and are not recorded."""
