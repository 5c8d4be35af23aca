"""Fetches ranges of one large file ahead of its reader, each over its own connection.

Threads claim ranges in order, at most a few ahead of the reader and within the memory budget. A
failed range is retried by itself, from the last received byte. `transfer.large.connection_scaling`
decides repeatedly, from the measured throughput, how many threads there are.

No thread waits for a connection while holding another, so that files which share few connections
never deadlock.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from catalog.errors import Cancelled, ResourceChanged, SizeMismatch, StorageBusy, StorageError
from catalog.model.resource import Resource
from providers.base import Chunk, Source
from providers.interfaces.range_support import Ranged
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint
from transfer.large.connection_scaling import SINGLE_CONNECTION, ConnectionScaling, ThroughputSample
from transfer.large.prefetched_range import PART, PrefetchedRange
from transfer.workers.stop import StopFlag

SPARE = 2  # ranges beyond one for each connection, so that none waits for the reader
SLICE = 2**20  # bytes passed to the reader at once
DECIDE_S = 1.0  # between two decisions; servers with a rate limit send in bursts
TICK_S = 0.2  # between two checks of the stop flag while waiting


class RangePrefetch:
    """The ranges fetched ahead of one reader, which reports its position."""

    def __init__(
        self,
        end: Endpoint[Source],
        path: str,
        delivery: Delivery,
        resource: Resource,
        scaling: ConnectionScaling,
        offset: int,
    ) -> None:
        """Begin with the reader's own connection at `offset` and no ranges."""
        self._end, self._path = end, path
        self._stop, self._budget = delivery.stop, delivery.budget
        self._etag, self._size = resource.etag, resource.size or 0
        self.scaling = scaling
        self.offset = offset
        """The reader's position: the first byte that was not passed on."""
        self.failed = False
        """A second connection failed: it must not be tried again for this file."""
        self._reader_connected = True  # the reader's own connection is open
        self._next: int | None = None  # start of the next range; None: ahead of that connection
        self._parts: deque[PrefetchedRange] = deque()  # contiguous, the reader's next range first
        self._condition = threading.Condition()
        self._closed = StopFlag()
        self._failure: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._working = 0  # threads that may claim another part
        self._reset_sample()

    # For the reader.

    def advance(self, count: int, waited_s: float) -> int:
        """Record bytes from the reader's own connection; return how many are before the ranges.

        Less than `count` means that the connection may be closed: the next range is arriving.
        """
        with self._condition:
            self._waited_s += waited_s
            self._count_received(count)
            while self._parts and self.offset + count >= self._parts[0].start:
                part = self._parts[0]
                if part.opened:
                    count = part.start - self.offset
                    break
                if isinstance(part.error, ResourceChanged):
                    raise part.error
                if part.tries or not part.admitted:
                    self._fall_back()
                else:
                    self._wait()
            self.offset += count
            return count

    def taken_over(self) -> bool:
        """Say whether the next byte is in a range, so that the connection can be closed."""
        with self._condition:
            if not self._parts or self._parts[0].start != self.offset:
                return False
            self._reader_connected = False
            self._start_threads()
            return True

    def head(self) -> PrefetchedRange | None:
        """Return the next range; None if the reader must fetch the rest itself."""
        with self._condition:
            while not self._parts and self._wanted_threads():
                self._wait()
            return self._parts[0] if self._parts else None

    def take(self, part: PrefetchedRange, taken: int) -> Chunk | None:
        """Return what follows the first `taken` bytes of a range; None at its end."""
        with self._condition:
            began_s = time.perf_counter()
            while part.filled == taken and not (part.done or part.error or part.whole):
                self._wait()
            self._waited_s += time.perf_counter() - began_s
            if part.filled > taken:
                chunk = part.view[taken : min(part.filled, taken + SLICE)]
                self.offset += len(chunk)
                return chunk
            if part.error is not None:
                self.failed = True
                raise part.error
            if part.whole:  # one of several servers ignores ranges
                self._fall_back()
            else:
                self._release(self._parts.popleft())
                self._condition.notify_all()
            return None

    def rescale(self) -> None:
        """Decide on the number of connections, once there is enough data."""
        now_s = time.perf_counter()
        if self.scaling.settled or now_s - self._began_s < DECIDE_S:
            return
        with self._condition:
            took_s = now_s - self._began_s
            if took_s < DECIDE_S or self._chunks < 2 * self.scaling.connections:
                return
            look = ThroughputSample(
                rate=self._received / took_s,
                waiting=self._waited_s / took_s,
                busy=(time.process_time() - self._cpu_s) / took_s,
                left=self._size - self._next_start(),
            )
            self.scaling = self.scaling.next_step(look)
            self._reset_sample()
            self._start_threads()
            self._condition.notify_all()  # surplus threads end

    def close(self) -> None:
        """Drop all ranges and end all threads."""
        self._closed.set()
        with self._condition:
            self._drop_parts()
        for thread in self._threads:
            thread.join()

    # Under the lock.

    def _reset_sample(self) -> None:
        self._began_s, self._cpu_s = time.perf_counter(), time.process_time()
        self._received, self._chunks, self._waited_s = 0, 0, 0.0

    def _count_received(self, count: int) -> None:
        self._received += count
        self._chunks += 1

    def _wait(self) -> None:
        self._stop.check()
        if self._failure is not None:
            raise self._failure
        self._condition.wait(TICK_S)

    def _next_start(self) -> int:
        return self.offset + PART if self._next is None else self._next

    def _wanted_threads(self) -> int:
        """Return how many threads there should be."""
        connections = self.scaling.connections
        if connections == 1 or self._next_start() >= self._size:
            return 0
        return connections - self._reader_connected

    def _start_threads(self) -> None:
        while self._working < self._wanted_threads():
            thread = threading.Thread(target=self._work, name="entrepot-range")
            thread.start()
            self._threads.append(thread)
            self._working += 1

    def _fall_back(self) -> None:
        """Leave the rest to the reader's own connection, finally."""
        self.failed, self.scaling, self._next = True, SINGLE_CONNECTION, None
        self._drop_parts()

    def _drop_parts(self) -> None:
        for part in self._parts:
            part.dropped = True
            self._release(part)
        self._parts.clear()
        self._condition.notify_all()

    def _release(self, part: PrefetchedRange) -> None:
        if part.held:
            self._budget.release(PART)

    # In the threads.

    def _work(self) -> None:
        """Fetch ranges while this thread is wanted."""
        first = True
        try:
            while (part := self._claim(first=first)) is not None:
                self._fetch(part)
                first = False
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            with self._condition:
                self._working -= 1
                if not isinstance(error, Cancelled):
                    self._failure = error
                self._condition.notify_all()

    def _claim(self, *, first: bool) -> PrefetchedRange | None:
        """Wait for memory and return the next range; None if this thread must end."""
        with self._condition:
            while not self._closed.is_set() and self._working <= self._wanted_threads():
                start = self._next_start()
                needed = start == self.offset  # the reader waits for it: even without memory
                if needed or len(self._parts) < self.scaling.connections + SPARE:
                    held = self._budget.take(PART)
                    if held or needed:
                        length = min(PART, self._size - start)
                        part = PrefetchedRange(start, length, held=held, first=first)
                        self._parts.append(part)
                        self._next = start + length
                        return part
                self._condition.wait(TICK_S)
            self._working -= 1
            return None

    def _fetch(self, part: PrefetchedRange) -> None:
        """Fetch one range, with the source's retries."""
        delay_s: float | None = 0.0
        while delay_s is not None and not part.dropped:
            self._closed.wait(delay_s)
            try:
                with self._end.limiter.connection(self._closed):
                    self._receive(part)
                    return
            except StorageError as error:
                with self._condition:
                    part.tries += 1
                    delay_s = self._end.retry.delay_s(part.tries, error)
                    if delay_s is None:
                        part.error = error
                    if isinstance(error, StorageBusy) and not self.scaling.settled:
                        self.scaling = self.scaling.step_back()
                    self._condition.notify_all()

    def _receive(self, part: PrefetchedRange) -> None:
        with self._condition:
            part.admitted = True
            start, length = part.start + part.filled, part.length - part.filled
        if part.dropped:
            return
        reader = self._end.storage.read(self._path, etag=self._etag, start=start, length=length)
        try:
            if reader.resource.etag != self._etag:
                raise ResourceChanged(f"{self._path!r} changed while it was read", path=self._path)
            with self._condition:
                part.whole = isinstance(reader, Ranged) and not reader.ranged
                part.opened = not part.whole
                self._condition.notify_all()
                if part.whole:
                    if self._reader_connected:
                        self._fall_back()
                    return
            for chunk in reader:
                if part.dropped:
                    return
                self._fill(part, chunk)
        finally:
            reader.close()
        if part.filled < part.length:
            raise SizeMismatch(self._path, part.length, part.filled)
        with self._condition:
            part.done = True
            self._condition.notify_all()

    def _fill(self, part: PrefetchedRange, chunk: Chunk) -> None:
        end = part.filled + len(chunk)
        if end > part.length:
            raise SizeMismatch(self._path, part.length, end)
        part.view[part.filled : end] = chunk
        with self._condition:
            part.filled = end
            if part.first:  # earlier bytes say nothing about this many connections
                part.first = False
                self._reset_sample()
            self._count_received(len(chunk))
            if self._parts and part is self._parts[0]:
                self._condition.notify_all()  # the reader waits for this range only
