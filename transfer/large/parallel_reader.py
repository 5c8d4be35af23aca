"""Reads one large file in order, through as many connections as turn out to help.

It begins as one open-ended read. If the process waits for bytes while idle, ranges ahead are
fetched over further connections (`transfer.large.range_prefetch`), all pinned to the same etag. The
first connection continues up to the first of those ranges, and is closed only once that range has
begun to arrive: with a server that ignores ranges, or refuses a second connection, the first one
reads to the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from catalog.model.resource import Resource
from providers.base import Chunk, Reader, Source
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint
from transfer.large.connection_scaling import MAX_CONNECTIONS, SINGLE_CONNECTION, ConnectionScaling
from transfer.large.range_prefetch import RangePrefetch


def is_pinned(end: Endpoint[Source], resource: Resource) -> bool:
    """Say whether ranges from several replies are guaranteed to be of the same file."""
    can, etag = end.storage.capabilities, resource.etag
    strong = etag is not None and not etag.startswith("W/")
    return can.ranges and can.pinned_reads and strong and resource.size is not None


class ParallelReader:
    """Reads one file from `start` to its end; it enters the repository's limiter itself."""

    def __init__(
        self,
        end: Endpoint[Source],
        path: str,
        delivery: Delivery,
        *,
        etag: str | None,
        start: int,
        most: int = MAX_CONNECTIONS,
    ) -> None:
        """Open the first of at most `most` connections."""
        self._end, self._path, self._stop = end, path, delivery.stop
        self._own: Reader | None = None
        self.resource = self._open(etag, start).resource
        scaling = (
            ConnectionScaling(most=min(most, end.limiter.limits.connections))
            if is_pinned(end, self.resource)
            else SINGLE_CONNECTION
        )
        self._ahead = RangePrefetch(end, path, delivery, self.resource, scaling, start)

    @property
    def parallel_failed(self) -> bool:
        """Say whether a second connection failed, so that none should be tried again."""
        return self._ahead.failed

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in order; a chunk is valid only until the next one."""
        ahead = self._ahead
        while True:
            yield from self._read_sequentially()
            if not ahead.taken_over():
                return  # the end, according to the storage
            while (part := ahead.head()) is not None:
                taken = 0
                while (chunk := ahead.take(part, taken)) is not None:
                    taken += len(chunk)
                    yield chunk
                    ahead.rescale()
            if ahead.offset >= (self.resource.size or 0):
                return

    def _read_sequentially(self) -> Iterator[Chunk]:
        """Yield from an open-ended read, up to a range that is arriving already."""
        ahead = self._ahead
        # If the ranges failed, the reader continues like this.
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

    def _open(self, etag: str | None, start: int) -> Reader:
        """Open the reader's own connection, inside the repository's limiter until it is closed."""
        self._end.limiter.enter(self._stop)
        try:
            self._own = self._end.storage.read(self._path, etag=etag, start=start)
        except BaseException as error:
            self._end.limiter.record_result(error)
            self._end.limiter.leave()
            raise
        return self._own

    def _close_own(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            try:
                own.close()
            finally:
                self._end.limiter.leave()

    def close(self) -> None:
        """End every connection and thread."""
        self._ahead.close()
        self._close_own()
