"""Maps a function over items in several threads; its results are in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from transfer.workers.stop import StopFlag

THREADS = 8
MAX_PENDING = 64  # items in progress or waiting to be consumed

T = TypeVar("T")
R = TypeVar("R")


def zero_weight(item: object) -> int:  # noqa: ARG001 - what `weigh` is told
    """Return no weight."""
    return 0


def map_in_order(
    work: Callable[[T], R],
    items: Iterable[T],
    stop: StopFlag,
    *,
    weigh: Callable[[T], int] = zero_weight,
    max_weight: int = 0,
) -> Iterator[R]:
    """Yield the result of `work` for each item in order, with several in progress at once.

    Items in progress or waiting to be consumed weigh at most `max_weight`, or are only one.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="entrepot-map")
    waiting: deque[tuple[Future[R], int]] = deque()
    weight = 0

    def first() -> R:
        nonlocal weight
        future, weighs = waiting.popleft()
        weight -= weighs
        return future.result()

    try:
        for item in items:
            weighs = weigh(item)
            while waiting and (len(waiting) >= MAX_PENDING or weight + weighs > max_weight):
                yield first()
            weight += weighs
            waiting.append((pool.submit(work, item), weighs))
        while waiting:
            yield first()
    except BaseException:
        stop.set()  # work in progress ends soon
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
