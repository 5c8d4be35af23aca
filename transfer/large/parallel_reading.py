"""One large file read in order, through as many connections as prove to help.

It begins as one open-ended read. While bytes are waited for though the process is idle, parts
ahead are fetched over further connections (`transfer.large.range_prefetch`), each pinned to the
same etag. The first connection runs on to the first of those parts, and is closed only when that
part has begun to come: a server that sends the whole file whatever range is asked for, or that
wants no second connection, keeps its first reader to the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from catalog.model.resource import Resource
from providers.base import Chunk, Reading, Source
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import End
from transfer.large.connection_scaling import MAX_CONNECTIONS, SINGLE_CONNECTION, ConnectionScaling
from transfer.large.range_prefetch import RangePrefetch


def is_pinned(end: End[Source], resource: Resource) -> bool:
    """Say whether parts of several replies are sure to be of the same bytes."""
    can, etag = end.storage.capabilities, resource.etag
    strong = etag is not None and not etag.startswith("W/")
    return can.ranges and can.pinned_reads and strong and resource.size is not None


class ParallelReading:
    """A reading of one file from `start` to its end; it passes the repository's gate itself."""

    def __init__(
        self,
        end: End[Source],
        path: str,
        delivery: Delivery,
        *,
        etag: str | None,
        start: int,
        most: int = MAX_CONNECTIONS,
    ) -> None:
        """Open the first connection, of at most `most`."""
        self._end, self._path, self._stop = end, path, delivery.stop
        self._own: Reading | None = None
        self.resource = self._open(etag, start).resource
        growth = (
            ConnectionScaling(most=min(most, end.gate.limits.connections))
            if is_pinned(end, self.resource)
            else SINGLE_CONNECTION
        )
        self._ahead = RangePrefetch(end, path, delivery, self.resource, growth, start)

    @property
    def parallel_failed(self) -> bool:
        """Say whether a second connection did not do, so that none is to be tried again."""
        return self._ahead.failed

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in order; a chunk is valid only until the next one."""
        ahead = self._ahead
        while True:
            yield from self._read_sequentially()
            if not ahead.taken_over():
                return  # the end, or what the storage takes for it
            while (part := ahead.head()) is not None:
                taken = 0
                while (chunk := ahead.take(part, taken)) is not None:
                    taken += len(chunk)
                    yield chunk
                    ahead.rescale()
            if ahead.offset >= (self.resource.size or 0):
                return

    def _read_sequentially(self) -> Iterator[Chunk]:
        """Yield from an open-ended read, as far as a part that comes already."""
        ahead = self._ahead
        # Where the parts went badly, the reader goes on like this.
        own = self._own or self._open(self.resource.etag, ahead.offset)
        try:
            chunks, began_s = iter(own), time.perf_counter()
            while (chunk := next(chunks, None)) is not None:
                count = ahead.advance(len(chunk), time.perf_counter() - began_s)
                yield chunk if count == len(chunk) else chunk[:count]
                if ahead.taken_over():
                    break
                ahead.rescale()
                began_s = time.perf_counter()
        finally:
            self._close_own()

    def _open(self, etag: str | None, start: int) -> Reading:
        """Open the reader's own connection; the repository's gate is passed until it closes."""
        self._end.gate.enter(self._stop)
        try:
            self._own = self._end.storage.read(self._path, etag=etag, start=start)
        except BaseException as error:
            self._end.gate.record_result(error)
            self._end.gate.leave()
            raise
        return self._own

    def _close_own(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            try:
                own.close()
            finally:
                self._end.gate.leave()

    def close(self) -> None:
        """End every connection and thread."""
        self._ahead.close()
        self._close_own()
