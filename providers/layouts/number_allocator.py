"""The next number of each path of a storage: one more than the highest that ever lay there.

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
"""List the name of every file of a storage."""


class NumberAllocator:
    """Gives each new file of a storage its number; share one between all who write there.

    What lies there is listed once, at the first wish, and held in 16 bytes a path. A number that
    was taken is not given again, unless it was given back unused.
    """

    def __init__(self) -> None:
        """Begin with nothing listed."""
        self._lock = threading.Lock()
        self._listed: list[tuple[array[int], array[int]]] | None = None
        self._taken: dict[str, int] = {}

    def take(self, path: str, lister: Lister) -> str:
        """Return the next number of a path."""
        with self._lock:
            if self._listed is None:
                self._listed = list(_sort_in_steps(lister()))
            number = self._highest(path, self._listed) + 1
            self._taken[path] = number
        return str(number)

    def release(self, path: str, number: str) -> None:
        """Take back a number under which nothing was stored."""
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
            if place < len(names) and names[place] == name:  # another's hash only leaves a gap
                highest = max(highest, numbers[place])
        return highest


def _sort_in_steps(keys: Iterator[str]) -> Iterator[tuple[array[int], array[int]]]:
    """Yield the hashes of paths in order, with their highest numbers, some of them together."""
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
