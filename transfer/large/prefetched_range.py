"""The state of a range of a large file that is fetched ahead of its reader."""

from __future__ import annotations

from catalog.errors import StorageError

PART = 8 * 2**20  # bytes of one range


class PrefetchedRange:
    """A range of the file; everything but its bytes is accessed under the lock."""

    __slots__ = (
        "admitted",
        "done",
        "dropped",
        "error",
        "filled",
        "first",
        "held",
        "length",
        "opened",
        "start",
        "tries",
        "view",
        "whole",
    )

    def __init__(self, start: int, length: int, *, held: bool, first: bool) -> None:
        """Allocate a buffer for `length` bytes from `start`."""
        self.start, self.length = start, length
        self.view = memoryview(bytearray(length))
        self.filled = 0
        self.held = held  # counted in the memory budget
        self.first = first  # the first range of its thread
        self.admitted = False  # it has entered the repository's limiter
        self.opened = False  # the storage answers with this range only
        self.whole = False  # the storage answers with the whole file
        self.done = False  # complete, and the read ended without an error
        self.dropped = False  # no longer needed
        self.tries = 0  # failed ones
        self.error: StorageError | None = None  # the last one, after which it is not tried again
