"""What writers that were killed leave behind in a storage, beside temporary files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class IncompleteUpload:
    """One upload that was begun: the path it was for, the storage's mark of it, and when (UTC)."""

    path: str
    upload_id: str
    began_us: int


class IncompleteUploads(Protocol):
    """The uploads of a storage that were begun and neither finished nor given up."""

    def unfinished(self) -> Iterator[IncompleteUpload]:
        """Yield every one of them below the storage's root."""
        ...

    def abort(self, upload: IncompleteUpload) -> None:
        """Free what the storage keeps of one; one that is gone is fine."""
        ...


@runtime_checkable
class SupportsIncompleteUploads(Protocol):
    """A storage that tells of such uploads."""

    def uploads(self) -> IncompleteUploads:
        """Return them."""
        ...
