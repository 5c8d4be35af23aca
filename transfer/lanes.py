"""Worker threads that share one queue; a failed piece waits for its next try without a thread."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from catalog.errors import Cancelled
from transfer.stop import StopFlag

T = TypeVar("T")


class Lane(Generic[T]):
    """Pieces of work and the threads that do them.

    `work` returns None when a piece is done, or the seconds after which to hand it over again.
    """

    def __init__(
        self, pieces: Iterable[T], work: Callable[[T], float | None], stop: StopFlag
    ) -> None:
        """Take all `pieces`; nothing runs before `run`."""
        self._ready: deque[T] = deque(pieces)
        self._later: list[tuple[float, int, T]] = []
        self._serial = itertools.count()
        self._open = len(self._ready)  # pieces not done
        self._work = work
        self._stop = stop
        self._condition = threading.Condition()
        self._failure: BaseException | None = None

    def run(self, threads: int) -> None:
        """Do all pieces with at most `threads` threads; an unforeseen error ends the lane."""
        count = min(threads, self._open)
        workers = [
            threading.Thread(target=self._loop, name=f"entrepot-lane-{index}")
            for index in range(count)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self._failure is not None:
            raise self._failure
        self._stop.check()

    def _loop(self) -> None:
        while True:
            piece = self._next()
            if piece is None:
                return
            try:
                delay = self._work(piece[0])
            except BaseException as error:  # noqa: BLE001 - raised again by `run`
                with self._condition:
                    if self._failure is None or isinstance(self._failure, Cancelled):
                        self._failure = error
                    self._condition.notify_all()
                return
            with self._condition:
                if delay is None:
                    self._open -= 1
                    if self._open == 0:
                        self._condition.notify_all()
                else:
                    due = time.monotonic() + delay
                    heapq.heappush(self._later, (due, next(self._serial), piece[0]))
                    self._condition.notify()

    def _next(self) -> tuple[T] | None:
        """Return the next piece that is due, or None when there will be no more."""
        with self._condition:
            while True:
                if self._failure is not None or self._open == 0 or self._stop.is_set():
                    return None
                if self._later and self._later[0][0] <= time.monotonic():
                    return (heapq.heappop(self._later)[2],)
                if self._ready:
                    return (self._ready.popleft(),)
                wait = 0.5
                if self._later:
                    wait = min(wait, max(0.0, self._later[0][0] - time.monotonic()))
                self._condition.wait(wait)
