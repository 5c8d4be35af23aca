"""The stream of a fetch for one client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from gateway.content.fetch import Fetch
from gateway.http.range_header import ByteRange

BLOCK = 2**18  # bytes sent to a client at once


class FetchStream:
    """Streams a fetch, or a part of it, to one client."""

    def __init__(
        self, fetch: Fetch, part: ByteRange | None, done: Callable[[Fetch], object]
    ) -> None:
        """Follow `fetch`; `done` is called when this client is finished."""
        self.headers = fetch.headers
        self._fetch, self._done = fetch, done
        self._at = 0 if part is None else part.start
        self._stop = None if part is None else part.stop
        self._closed = False
        fetch.readers += 1

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next bytes, as soon as they are released."""
        fetch = self._fetch
        if self._stop is not None and self._at >= self._stop:
            raise StopAsyncIteration
        await fetch.wait_beyond(self._at)
        count = min(BLOCK, fetch.released - self._at)
        if self._stop is not None:
            count = min(count, self._stop - self._at)
        if count <= 0:
            if fetch.error is not None:
                raise fetch.error
            raise StopAsyncIteration
        data = fetch.buffer.read_at(self._at, count)  # fast: it was just written
        self._at += len(data)
        return data

    async def aclose(self) -> None:
        """Stop following."""
        if not self._closed:
            self._closed = True
            self._fetch.readers -= 1
            self._done(self._fetch)
