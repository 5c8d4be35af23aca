"""Fetches a file from a source once, for any number of concurrent requests.

One thread reads, hashes and buffers the file; all requests follow it. The last piece is held back
until everything is verified against the catalog, so that no client gets a complete corrupt file. If
a source fails before anything was released, the next one is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from catalog.errors import (
    CatalogError,
    DigestMismatch,
    IntegrityError,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
)
from catalog.model.digest import Digest, Hasher
from catalog.model.resource import Resource
from gateway.content.fetch_buffer import FetchBuffer
from gateway.content.source_cooldown import SourceCooldown
from gateway.content.source_headers import forwarded_headers
from gateway.ops.metrics import Metrics, Result
from providers.base import Chunk, Source
from transfer.batch.endpoints import Endpoint
from transfer.workers.stop import StopFlag

MAX_FETCHES = 32  # at once; others wait
PIECE = 2**18  # bytes buffered at once


@dataclass(frozen=True, slots=True)
class Candidate:
    """One source of a file: how to open it, the path there, and the expected etag."""

    address: str
    path: str
    open: Callable[[], Endpoint[Source]]
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """What is known about a file before it is fetched."""

    name: str
    size: int | None = None
    digests: tuple[Digest, ...] = ()

    def cooldown_key(self, candidate: Candidate) -> str:
        """Return the key by which a source of corrupt content is remembered."""
        return "\x1f".join((candidate.path, *map(str, self.digests)))


class Fetch:
    """The fetch of one file; the first `released` bytes may be sent to clients."""

    def __init__(
        self,
        known: ExpectedFile,
        candidates: Sequence[Candidate],
        buffer: FetchBuffer,
        shared: FetchContext,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Start with nothing fetched."""
        self.known, self.buffer = known, buffer
        self.released = 0
        self.ended = False
        self.error: CatalogError | None = None
        self.resource: Resource | None = None
        self.headers: tuple[tuple[str, str], ...] = ()
        self.sha256 = ""
        self.origin: Candidate | None = None
        self.readers = 0
        self.kept = False  # it is still to be stored in the repository
        self.unwanted = False  # no client waits, and it would not be stored
        self._candidates, self._shared = candidates, shared
        self._loop = loop
        self._progress = asyncio.Event()
        self._whole = 0

    def run(self) -> None:
        """Fetch from one source after another; all followers get the error."""
        error: CatalogError = ResourceNotFound(
            f"no source currently has {self.known.name!r}", path=self.known.name
        )
        asked = [
            candidate
            for candidate in self._candidates
            if self._shared.cooldown.is_allowed(
                candidate.address, self.known.cooldown_key(candidate)
            )
        ]
        for place, one in enumerate(asked, 1):
            try:
                self._fetch_from(one, last=place == len(asked))
            except CatalogError as failure:
                self._record_failure(one, failure)
                error = failure
                if self.released or self._shared.stop.is_set() or self.unwanted:
                    break
                self.buffer.reset()
                self.resource = None
                continue
            self._shared.metrics.count_fetch(Result.SUCCESS)
            self._finish(None)
            return
        self._finish(error)

    async def wait_beyond(self, beyond: int) -> None:
        """Wait until more than `beyond` bytes are released, or it has ended."""
        while self.released <= beyond and not self.ended:
            self._progress.clear()
            if self.released > beyond or self.ended:
                return
            await self._progress.wait()

    async def wait_started(self) -> None:
        """Wait until a source responded; raise the error if none did."""
        await self.wait_beyond(0)
        if self.error is not None and not self.released:
            raise self.error

    def _record_failure(self, candidate: Candidate, failure: CatalogError) -> None:
        self._shared.metrics.count_fetch(Result.ERROR)
        if isinstance(failure, IntegrityError):
            self._shared.metrics.count_corrupt()
            self._shared.cooldown.add(candidate.address, self.known.cooldown_key(candidate))

    def _fetch_from(self, candidate: Candidate, *, last: bool) -> None:
        end = candidate.open()
        with end.limiter.connection(self._shared.stop):
            hasher = self._read_into_buffer(end, candidate, last=last)
        self.origin = candidate
        self.sha256 = hasher.digest().value

    def _read_into_buffer(
        self, end: Endpoint[Source], candidate: Candidate, *, last: bool
    ) -> Hasher:
        hasher = Hasher(("sha256", *(digest.algorithm for digest in self.known.digests)))
        piece = bytearray()
        for chunk in self._read_chunks(end, candidate, last=last):
            self._check_wanted()
            piece += chunk
            end.limiter.throttle(len(chunk), self._shared.stop)
            if len(piece) >= PIECE:
                self._append(hasher, bytes(piece))
                piece.clear()
        if piece:
            self._append(hasher, bytes(piece))
        self._verify(hasher)
        return hasher

    def _read_chunks(
        self, end: Endpoint[Source], candidate: Candidate, *, last: bool
    ) -> Iterator[Chunk]:
        """Yield a source's chunks, and resume after errors if the file is still the same.

        If nothing was received yet, the next source is used instead, if there is one.
        """
        offset, attempts = 0, 0
        while True:
            etag = candidate.etag or (self.resource.etag if self.resource is not None else None)
            try:
                reader = end.storage.read(candidate.path, etag=etag, start=offset)
                try:
                    if self.resource is None:
                        self.resource = reader.resource
                        self.headers = forwarded_headers(getattr(reader, "reply_headers", ()))
                    for chunk in reader:
                        offset += len(chunk)
                        yield chunk
                    return
                finally:
                    reader.close()
            except StorageError as error:
                attempts += 1
                delay_s = end.retry.delay_s(attempts, error)
                pinned = etag is not None or bool(self.known.digests)
                same = pinned and end.storage.capabilities.ranges
                if delay_s is None or not (same if offset else last):
                    raise
            self._shared.stop.wait(delay_s)

    def _check_wanted(self) -> None:
        self._shared.stop.check()
        if self.unwanted:
            raise StorageError(f"no client waits for {self.known.name!r} any more")

    def _size(self) -> int | None:
        if self.known.size is not None:
            return self.known.size
        return None if self.resource is None else self.resource.size

    def _append(self, hasher: Hasher, piece: bytes) -> None:
        hasher.update(piece)
        size = self._size()
        if size is not None and hasher.size > size:
            raise SizeMismatch(self.known.name, size, hasher.size)
        self.buffer.append(piece)
        self._release(hasher.size - len(piece))

    def _verify(self, hasher: Hasher) -> None:
        size = self._size()
        if size is not None and hasher.size != size:
            raise SizeMismatch(self.known.name, size, hasher.size)
        for digest in self.known.digests:
            found = hasher.digest(digest.algorithm)
            if found != digest:
                raise DigestMismatch(self.known.name, str(digest), str(found))
        self._whole = hasher.size

    def _release(self, count: int) -> None:
        if count > self.released:
            self.released = count
            self._notify()

    def _finish(self, error: CatalogError | None) -> None:
        self.error = error
        if error is None:
            self.released = self._whole
        self.ended = True
        self._notify()

    def call_soon(self, what: Callable[[], object]) -> None:
        """Call a function on the event loop, if it is still running."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    def _notify(self) -> None:
        self.call_soon(self._progress.set)


@dataclass(frozen=True, slots=True)
class FetchContext:
    """Shared by all fetches of a gateway."""

    cooldown: SourceCooldown
    metrics: Metrics
    stop: StopFlag


class FetchRegistry:
    """The current fetches by key, including those that are still to be stored."""

    def __init__(self, shared: FetchContext) -> None:
        """Start with none."""
        self.shared = shared
        self._under_way: dict[Hashable, Fetch] = {}
        self._pool = ThreadPoolExecutor(MAX_FETCHES, "fetch")

    def find(self, key: Hashable) -> Fetch | None:
        """Return the fetch of a key that can be followed."""
        found = self._under_way.get(key)
        return None if found is None or found.error is not None else found

    def begin(self, key: Hashable, fetch: Fetch, finished: Callable[[Fetch], object]) -> Fetch:
        """Start a fetch; `finished` is called in its thread at the end."""

        def run() -> None:
            fetch.run()
            finished(fetch)

        self._under_way[key] = fetch
        self._pool.submit(run)
        return fetch

    def forget(self, key: Hashable, fetch: Fetch) -> None:
        """Forget a fetch: later requests find the file where it was stored."""
        if self._under_way.get(key) is fetch:
            del self._under_way[key]
        fetch.buffer.close()

    def close(self) -> None:
        """End every fetch."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for fetch in self._under_way.values():
            fetch.buffer.close()
