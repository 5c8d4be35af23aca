"""Resumes a large file where a killed run stopped: for which files, and how parts are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from catalog.errors import SizeMismatch, StorageError
from catalog.model.resource import Resource
from providers.base import Chunk, Reader, Source
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import Endpoint
from transfer.large.parallel_reader import is_pinned
from transfer.large.parts_journal import PartsJournal, SourceIdentity


def open_journal(
    delivery: Delivery, end: Endpoint[Source], path: str, resource: Resource
) -> PartsJournal | None:
    """Return the journal of a file's parts; None if it is too small or cannot have one."""
    kept, size, etag = delivery.kept_parts, resource.size, resource.etag
    if kept is None or size is None or size < kept.from_bytes or etag is None:
        return None
    if not is_pinned(end, resource):
        return None
    return PartsJournal.acquire(kept.folder, SourceIdentity(end.address, path, etag, size))


def fetch_part(
    delivery: Delivery, end: Endpoint[Source], path: str, etag: str | None, start: int, length: int
) -> bytes:
    """Read one part of a file again."""
    with end.limiter.connection(delivery.stop):
        reader = end.storage.read(path, etag=etag, start=start, length=length)
        try:
            data = b"".join(bytes(chunk) for chunk in reader)
        finally:
            reader.close()
    if len(data) != length:
        raise SizeMismatch(path, length, len(data))
    end.limiter.throttle(length, delivery.stop)
    return data


def read_kept_parts(
    delivery: Delivery, end: Endpoint[Source], path: str, etag: str | None, journal: PartsJournal
) -> Iterator[bytes]:
    """Yield the parts that an earlier run left; a damaged part is read again."""
    for part in journal.parts(partial(fetch_part, delivery, end, path, etag)):
        delivery.stop.check()
        delivery.progress.count_bytes(len(part))
        yield part


class ResumedReader:
    """Reads a file over one connection, resuming where an earlier run stopped, if there was one."""

    def __init__(
        self, delivery: Delivery, end: Endpoint[Source], path: str, etag: str | None
    ) -> None:
        """Open the file; each chunk is counted and throttled before it is yielded."""
        self._delivery, self._end, self._path = delivery, end, path
        self._held = ExitStack()
        self._reader = self._open(etag, 0)
        self.resource = self._reader.resource
        try:
            self._journal = open_journal(delivery, end, path, self.resource)
        except BaseException:
            self._held.close()
            raise

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the bytes in order; a chunk is valid only until the next one."""
        delivery, journal = self._delivery, self._journal
        if journal is not None:
            journal.begin(())
            if journal.kept:
                self._held.close()
                etag = self.resource.etag
                yield from read_kept_parts(delivery, self._end, self._path, etag, journal)
                self._reader = self._open(etag, journal.kept)
        try:
            for chunk in self._reader:
                delivery.stop.check()
                if journal is not None:
                    journal.note(chunk)
                delivery.progress.count_bytes(len(chunk))
                self._end.limiter.throttle(len(chunk), delivery.stop)
                yield chunk
        except StorageError as error:
            self._end.limiter.record_result(error)
            raise

    def _open(self, etag: str | None, start: int) -> Reader:
        with ExitStack() as held:
            held.enter_context(self._end.limiter.connection(self._delivery.stop))
            reader = self._end.storage.read(self._path, etag=etag, start=start)
            held.callback(reader.close)
            self._held = held.pop_all()
        return reader

    def discard_kept(self) -> None:
        """Delete the kept parts: the file is complete, or they are not of this file."""
        if self._journal is not None:
            self._journal.discard()

    def close(self) -> None:
        """Close the connection; kept parts stay unless they were discarded."""
        self._held.close()
        if self._journal is not None:
            self._journal.close()
