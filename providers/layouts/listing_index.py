"""Which of the files that are recorded to lie in a storage do, by one listing of it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable

from catalog.errors import ResourceNotFound
from catalog.model.gap import Gap
from catalog.queries.holdings import Holding
from providers.base import Storage

RecordedHoldings = Callable[[], Iterable[Holding]]
"""Tell what is recorded to lie in a storage."""


class ListingIndex:
    """The files of a storage at or below a folder, in 8 bytes each."""

    def __init__(self, storage: Storage, folder: str = "") -> None:
        """List them."""
        self._storage = storage
        names: list[int] = []
        try:
            names.extend(
                hash((one.path, one.size))
                for one in storage.enumerate(folder)
                if not isinstance(one, Gap)  # what lies there is asked for one by one
            )
        except ResourceNotFound:  # nothing was ever written
            names.clear()
        self._names = array("q", sorted(names))

    def size(self, key: str, size: int | None) -> int | None:
        """Return the size of a file as it is now; None where it is gone."""
        name = hash((key, size))
        place = bisect_left(self._names, name)
        if place < len(self._names) and self._names[place] == name:
            return size
        try:
            return self._storage.stat(key).size  # gone, or of another size, or that was not known
        except ResourceNotFound:
            return None
