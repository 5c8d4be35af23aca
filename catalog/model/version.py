"""Versions of a repository, their content, and the locations of bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from catalog.model.digest import Digest
from catalog.model.fingerprint import Fingerprint
from catalog.model.resource import NO_PROPERTIES, Resource


@dataclass(frozen=True, slots=True)
class Version:
    """An immutable numbered set of resources of one repository; number 0 is empty.

    `added`, `replaced` and `removed` count the difference to the previous version when this one was
    created; they are recomputed when the previous version is deleted.
    """

    address: str
    number: int
    base: int | None  # the version it was made from
    created_at: datetime
    run_id: str | None
    added: int
    replaced: int
    removed: int
    total: int  # resources
    bytes: int  # of all resources, each counted
    labels: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    protected: tuple[str, ...] = ()
    """The reasons why it must not be deleted."""

    def __str__(self) -> str:
        """Return one line."""
        return (
            f"version {self.number} of {self.address}, {self.created_at:%Y-%m-%d %H:%M:%S} UTC: "
            f"+{self.added:,} ~{self.replaced:,} -{self.removed:,}, "
            f"{self.total:,} files, {self.bytes:,} bytes"
        )

    def __repr__(self) -> str:
        """Return the line, so that a list of versions is readable in a prompt."""
        return f"<{self}>"


@dataclass(frozen=True, slots=True)
class ContentRow:
    """One resource of a version; `digest` is sha256 in hex, if known."""

    path: str
    size: int | None
    etag: str | None
    modified_us: int | None
    digest: str | None
    content_type: str | None
    properties: str | None  # JSON object, or nothing


@dataclass(frozen=True, slots=True)
class Location:
    """A location of an artifact's bytes: how it was verified, and where the bytes came from."""

    address: str
    path: str
    digest: str  # sha256, hex
    size: int | None
    etag: str | None
    modified_us: int | None
    proof: str | None
    origin: str | None  # address
    origin_path: str | None
    run_id: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """Where to fetch the bytes of a resource that its repository lists but does not store.

    Size, etag and time are those of the source when it was listed. `origin` is None if only the
    digest is known.
    """

    path: str
    policy: str
    digest: str | None  # sha256, hex
    size: int | None
    origin: str | None  # address
    origin_path: str | None
    etag: str | None
    modified_us: int | None
    content_type: str | None
    properties: str | None  # JSON object, or nothing


def resource_at(path: str, row: ContentRow | Origin, *, etag: str | None = None) -> Resource:
    """Return a row as a resource at `path`; the etag is that location's own."""
    return Resource(
        path,
        size=row.size,
        etag=etag,
        modified_us=row.modified_us,
        digests=() if row.digest is None else (Digest("sha256", row.digest),),
        content_type=row.content_type,
        properties=json.loads(row.properties) if row.properties else NO_PROPERTIES,
    )


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a version of a repository is, in bytes and resources."""

    count: int
    bytes: int
    distinct_bytes: int
    """Each digest counted once; every resource of unknown digest counts."""


@dataclass(frozen=True, slots=True)
class OtherCopy:
    """Another place of the bytes of a file, with the marks that it had when they were known."""

    address: str
    path: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class ReclaimCandidate:
    """A stored file as it was when it was stored, and where else its bytes should lie."""

    path: str
    fingerprint: Fingerprint
    copies: tuple[OtherCopy, ...]
