"""Numbers of stored versions: the next one of each path, once, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from providers.layouts import number_allocator as module
from providers.layouts.number_allocator import NumberAllocator


class Listing:
    """Names that lie in a storage; counts how often it is listed."""

    def __init__(self, *names: str) -> None:
        """Hold the names."""
        self.names = names
        self.listed = 0

    def __call__(self) -> Iterator[str]:
        """List them."""
        self.listed += 1
        return iter(self.names)


def test_the_next_number_is_above_all_that_lie_there_in_any_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STEP", 2)  # so that a path is in several parts
    there = Listing("10/a", "9/a", "x/1/b", "x/0/c", "2/a", "x/3/b", "a", "x/01/b", "current")
    numbers = NumberAllocator()
    wanted = {"a": "11", "x/b": "4", "x/c": "1", "x/1/b": "0", "current": "0"}
    assert {path: numbers.take(path, there) for path in wanted} == wanted
    assert numbers.take("x/b", there) == "5"
    assert there.listed == 1


def test_many_threads_list_once_and_never_get_the_same_number() -> None:
    there, numbers = Listing("4/a"), NumberAllocator()
    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(numbers.take, ["a"] * 200, [there] * 200))
    assert sorted(map(int, given)) == list(range(5, 205))
    assert there.listed == 1


def test_only_the_last_number_can_be_given_back() -> None:
    there, numbers = Listing(), NumberAllocator()
    assert [numbers.take("a", there), numbers.take("a", there)] == ["0", "1"]
    numbers.release("a", "0")
    assert numbers.take("a", there) == "2"
    numbers.release("a", "2")
    assert numbers.take("a", there) == "2"
