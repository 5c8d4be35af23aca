"""Checks by one listing which of the recorded files exist in a storage."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable

from catalog.errors import ResourceNotFound
from catalog.model.gap import Gap
from catalog.queries.holdings import Holding
from providers.base import Storage

RecordedHoldings = Callable[[], Iterable[Holding]]
"""Returns the files that the catalog records in a storage."""


class ListingIndex:
    """The files of a storage at or below a folder, in 8 bytes of memory each."""

    def __init__(self, storage: Storage, folder: str = "") -> None:
        """List them."""
        self._storage = storage
        names: list[int] = []
        try:
            names.extend(
                hash((entry.path, entry.size))
                for entry in storage.enumerate(folder)
                if not isinstance(entry, Gap)  # files in a gap are looked up one by one
            )
        except ResourceNotFound:  # nothing was ever written
            names.clear()
        self._names = array("q", sorted(names))

    def size(self, key: str, size: int | None) -> int | None:
        """Return the current size of a file; None if it is gone."""
        name = hash((key, size))
        place = bisect_left(self._names, name)
        if place < len(self._names) and self._names[place] == name:
            return size
        try:
            return self._storage.stat(key).size  # gone, resized, or of unknown size
        except ResourceNotFound:
            return None
