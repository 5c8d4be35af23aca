"""A pool of worker threads with one queue; a failed piece waits for its retry without a thread.

Python's threads share one core: two busy ones cost a fifth more CPU than one after the other. So a
pool begins with few threads and adds some while the core is idle, and the pools of concurrent
batches run one at a time unless the core is idle.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Generic, TypeVar

from catalog.errors import Cancelled
from transfer.workers.stop import StopFlag

T = TypeVar("T")

DEFAULT_FIRST = 1  # thread to begin with
MAX_BEGUN = 8  # pieces that one thread begins ahead
SAMPLE_S = 0.02  # between two measurements of the CPU
IDLE_SHARE = 0.45  # of one core; below it the threads are waiting


def begin_nothing(piece: object) -> bool:  # noqa: ARG001 - what `begin` is told
    """Begin nothing ahead."""
    return False


def abandon_nothing(piece: object) -> None:
    """Abandon nothing."""


class _CpuMeter:
    """Measures how much of one core the process used since the last measurement."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._wall_s = time.perf_counter()

    def core_is_idle(self) -> bool:
        """Say whether more threads could run."""
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        share = (cpu_s - self._cpu_s) / max(wall_s - self._wall_s, 1e-6)
        self._cpu_s, self._wall_s = cpu_s, wall_s
        return share < IDLE_SHARE


class _RunLimiter:
    """Lets one pool of the process run at a time, and more while the core is idle."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._running = 0

    @contextmanager
    def slot(self, stop: StopFlag) -> Generator[None]:
        """Wait for a slot, and hold it."""
        with self._condition:
            pace, looked_s = _CpuMeter(), time.monotonic()
            while self._running and not stop.is_set():
                self._condition.wait(SAMPLE_S)
                if time.monotonic() - looked_s < SAMPLE_S:
                    continue  # another pool ended: too short to measure
                if pace.core_is_idle():
                    break
                looked_s = time.monotonic()
            self._running += 1
        try:
            yield
        finally:
            with self._condition:
                self._running -= 1
                self._condition.notify_all()

    def reset(self) -> None:
        """Reset in a forked child, where no pool runs."""
        self.__init__()  # type: ignore[misc]  # the same object for every importer


_RUN_LIMITER = _RunLimiter()
os.register_at_fork(after_in_child=_RUN_LIMITER.reset)


class WorkerPool(Generic[T]):
    """Processes pieces of work in threads.

    `work` returns None when a piece is done, or the seconds until it must be tried again. `begin`
    starts a piece ahead of its work if that does not block; begun pieces that are not worked on
    after all are passed to `abandon`.
    """

    def __init__(
        self,
        pieces: Iterable[T],
        work: Callable[[T], float | None],
        stop: StopFlag,
        *,
        begin: Callable[[T], bool] = begin_nothing,
        abandon: Callable[[T], None] = abandon_nothing,
    ) -> None:
        """Queue all `pieces`; nothing runs before `run`."""
        self._begin = begin
        self._abandon = abandon
        self._ready: deque[T] = deque(pieces)
        self._later: list[tuple[float, int, T]] = []
        self._serial = itertools.count()
        self._open = len(self._ready)  # pieces not done
        self._work = work
        self._stop = stop
        self._condition = threading.Condition()
        self._failure: BaseException | None = None
        self._workers: list[threading.Thread] = []
        self._finished = threading.Event()

    def run(self, threads: int, first: int = DEFAULT_FIRST) -> None:
        """Process all pieces with at most `threads` threads; an unexpected error ends the pool.

        It begins with `first` threads and adds more while they wait for the network. A pool that
        begins with more than one is for work outside Python, and does not wait for other pools.
        """
        most = min(threads, self._open)
        if not most:
            self._stop.check()
            return
        if first > DEFAULT_FIRST:
            self._run(most, first)
        else:
            with _RUN_LIMITER.slot(self._stop):
                self._run(most, first)
        if self._failure is not None:
            raise self._failure
        self._stop.check()

    def _run(self, most: int, first: int) -> None:
        self._add_workers(min(first, most))
        pace = _CpuMeter()
        while not self._finished.wait(SAMPLE_S):
            self._workers = [worker for worker in self._workers if worker.is_alive()]
            if not self._workers:
                break
            if self._ready and len(self._workers) < most and pace.core_is_idle():
                self._add_workers(min(len(self._workers), most - len(self._workers)))
        for worker in self._workers:
            worker.join()

    def _add_workers(self, count: int) -> None:
        for _ in range(count):
            worker = threading.Thread(target=self._run_worker, name="entrepot-worker")
            self._workers.append(worker)
            worker.start()

    def _run_worker(self) -> None:
        begun: deque[T] = deque()
        try:
            self._process(begun)
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            self._fail(error)
        finally:
            for piece in begun:
                self._abandon(piece)

    def _process(self, begun: deque[T]) -> None:
        done = 0  # added under the lock only when nothing is ready: this runs for every file
        while self._failure is None and not self._stop.is_set():
            if not begun and not self._take_ready(begun):
                waited = self._wait_for_retry(done)
                done = 0
                if waited is None:
                    return
                begun.append(waited[0])
            delay = self._work(begun[0])
            piece = begun.popleft()
            if delay is None:
                done += 1
            else:
                with self._condition:
                    due = time.monotonic() + delay
                    heapq.heappush(self._later, (due, next(self._serial), piece))
                    self._condition.notify()

    def _take_ready(self, begun: deque[T]) -> bool:
        """Take pieces up to the first that cannot begin ahead; False if none is left."""
        while len(begun) < MAX_BEGUN:
            try:
                piece = self._ready.popleft()
            except IndexError:
                break
            begun.append(piece)
            if not self._begin(piece):
                break  # it blocks later, when this thread holds nothing that others wait for
        return bool(begun)

    def _wait_for_retry(self, done: int) -> tuple[T] | None:
        """Return the next piece that is due for a retry, or None at the end."""
        with self._condition:
            self._open -= done
            if self._open == 0:
                self._finished.set()
                self._condition.notify_all()
            while self._failure is None and self._open and not self._stop.is_set():
                wait = 0.5
                if self._later:
                    wait = min(wait, self._later[0][0] - time.monotonic())
                    if wait <= 0:
                        return (heapq.heappop(self._later)[2],)
                self._condition.wait(wait)
            return None

    def _fail(self, error: BaseException) -> None:
        with self._condition:
            if self._failure is None or isinstance(self._failure, Cancelled):
                self._failure = error
            self._finished.set()
            self._condition.notify_all()
