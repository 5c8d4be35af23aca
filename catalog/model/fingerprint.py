"""The last known state of a file at one path of a destination."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from catalog.model.resource import Resource


class EtagTrust(StrEnum):
    """Whether a storage's etags follow the content and so reveal a change."""

    FOLLOW = "follow"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A file as it was when it was stored."""

    digest: str  # sha256 hex, without the algorithm
    size: int | None = None  # bytes
    etag: str | None = None
    modified_us: int | None = None

    def matches(self, current: Resource, etags: EtagTrust) -> bool:
        """Say whether the file is unchanged, by the size, etag or time that both sides have.

        >>> stored = Fingerprint("00", 3, modified_us=7)
        >>> stored.matches(Resource("a", size=3), EtagTrust.IGNORE)
        True
        >>> stored.matches(Resource("a", modified_us=8), EtagTrust.IGNORE)
        False
        """
        if None not in (self.size, current.size) and self.size != current.size:
            return False
        if etags is EtagTrust.FOLLOW and None not in (self.etag, current.etag):
            return self.etag == current.etag
        return (
            None in (self.modified_us, current.modified_us)
            or self.modified_us == current.modified_us
        )
