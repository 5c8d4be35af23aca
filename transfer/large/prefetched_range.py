"""A span of a large file that is fetched ahead of its reader, and how far that is."""

from __future__ import annotations

from catalog.errors import StorageError

PART = 8 * 2**20  # bytes of one further read


class PrefetchedRange:
    """A span of the file; everything but the bytes themselves is touched under the lock."""

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
        """Make room for `length` bytes from `start`."""
        self.start, self.length = start, length
        self.view = memoryview(bytearray(length))
        self.filled = 0
        self.held = held  # counted in the budget
        self.first = first  # the first of its thread
        self.admitted = False  # the repository's gate let it in
        self.opened = False  # the storage answered with just this range
        self.whole = False  # the storage answered with the whole file
        self.done = False  # complete, and the reading had no objection at its end
        self.dropped = False  # nobody wants it any more
        self.tries = 0  # that failed
        self.error: StorageError | None = None  # the last one, after which it was given up
