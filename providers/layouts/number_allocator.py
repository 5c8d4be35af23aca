"""Allocates the next version number of each path: one more than the highest stored number.

>>> numbers = NumberAllocator()
>>> numbers.take("a", lambda: iter(["7/a", "2/a", "0/b"])), numbers.take("a", lambda: iter([]))
('8', '9')
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator

from providers.layouts.numbered_names import split_numbered_path

STEP = 2**20  # paths sorted together

Lister = Callable[[], Iterator[str]]
"""Yields the name of every file in a storage."""


class NumberAllocator:
    """Allocates numbers for new files in a storage; share one among all writers.

    The storage is listed once, at the first allocation, and takes 16 bytes of memory per path. An
    allocated number is reused only if it was released.
    """

    def __init__(self) -> None:
        """Start with nothing listed."""
        self._lock = threading.Lock()
        self._listed: list[tuple[array[int], array[int]]] | None = None
        self._taken: dict[str, int] = {}

    def take(self, path: str, lister: Lister) -> str:
        """Allocate the next number of a path."""
        with self._lock:
            if self._listed is None:
                self._listed = list(_sort_in_steps(lister()))
            number = self._highest(path, self._listed) + 1
            self._taken[path] = number
        return str(number)

    def release(self, path: str, number: str) -> None:
        """Release a number under which nothing was stored."""
        with self._lock:
            if self._taken.get(path) == int(number):
                self._taken[path] = int(number) - 1

    def _highest(self, path: str, listed: list[tuple[array[int], array[int]]]) -> int:
        taken = self._taken.get(path)
        if taken is not None:
            return taken
        name, highest = hash(path), -1
        for names, numbers in listed:
            place = bisect_left(names, name)
            if place < len(names) and names[place] == name:  # a hash collision only skips numbers
                highest = max(highest, numbers[place])
        return highest


def _sort_in_steps(keys: Iterator[str]) -> Iterator[tuple[array[int], array[int]]]:
    """Yield chunks of sorted path hashes with their highest numbers."""
    highest: dict[int, int] = {}
    for key in keys:
        found = split_numbered_path(key)
        if found is None:
            continue
        name, number = hash(found[0]), int(found[1])
        highest[name] = max(number, highest.get(name, -1))
        if len(highest) == STEP:
            yield _pack(highest)
            highest.clear()
    yield _pack(highest)


def _pack(highest: dict[int, int]) -> tuple[array[int], array[int]]:
    names = array("q", sorted(highest))
    return names, array("q", (highest[name] for name in names))
