"""Incomplete uploads that killed writers leave in a storage, in addition to temporary files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class IncompleteUpload:
    """An upload that was begun: its path, the storage's id for it, and its start (UTC)."""

    path: str
    upload_id: str
    began_us: int


class IncompleteUploads(Protocol):
    """The uploads of a storage that were neither completed nor aborted."""

    def unfinished(self) -> Iterator[IncompleteUpload]:
        """Yield every incomplete upload below the storage's root."""
        ...

    def abort(self, upload: IncompleteUpload) -> None:
        """Abort an upload and free its storage; do nothing if it is gone."""
        ...


@runtime_checkable
class SupportsIncompleteUploads(Protocol):
    """A storage that can list its incomplete uploads."""

    def uploads(self) -> IncompleteUploads:
        """Return the incomplete uploads."""
        ...
