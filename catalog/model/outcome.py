"""The outcome of one planned resource at one destination."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How one item ended at one destination."""

    STORED = "stored"
    KEPT = "kept"
    REMOVED = "removed"
    FAILED = "failed"
    CATALOGUED = "catalogued"
    """Its version lists it; its bytes are elsewhere."""
    DROPPED = "dropped"
    """Left out on purpose, for a reason; the destination keeps what it had."""


class Proof(StrEnum):
    """How thoroughly the stored bytes were verified, weakest first."""

    STORED = "stored"
    """The storage confirmed the size only."""
    WRITE_PROVED = "write-proved"
    """The storage's own checksum equals ours."""
    END_TO_END = "end-to-end"
    """The source declared a digest, and the written bytes have it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One item at one destination: what was done, found and verified.

    `origin_*` is the source's fingerprint as it was read; `etag` and `modified_us` are the
    destination's. Failed and dropped items have `error` (a code of `catalog.errors`),
    `message`, and sometimes `expected` and `found`.
    """

    destination: str
    path: str
    origin: str
    action: str
    status: Status
    proof: Proof | None = None
    digest: str | None = None  # sha256 hex, without the algorithm
    size: int | None = None  # bytes
    etag: str | None = None
    modified_us: int | None = None
    origin_etag: str | None = None
    origin_size: int | None = None
    origin_modified_us: int | None = None
    content_type: str | None = None
    attempts: int = 1
    error: str | None = None
    message: str | None = None
    expected: str | None = None
    found: str | None = None
    cleaned: bool = False  # the source's copy was removed on request
