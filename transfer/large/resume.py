"""Going on with a large file where a killed run left off: when, and how its parts are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from catalog.errors import SizeMismatch, StorageError
from catalog.model.resource import Resource
from providers.base import Chunk, Reading, Source
from transfer.batch.delivery import Delivery
from transfer.batch.endpoints import End
from transfer.large.parallel_reading import is_pinned
from transfer.large.parts_journal import Origin, PartsJournal


def open_journal(
    delivery: Delivery, end: End[Source], path: str, resource: Resource
) -> PartsJournal | None:
    """Return the journal of a file's parts; None where it is not worth one, or cannot have one."""
    kept, size, etag = delivery.kept_parts, resource.size, resource.etag
    if kept is None or size is None or size < kept.from_bytes or etag is None:
        return None
    if not is_pinned(end, resource):
        return None
    return PartsJournal.acquire(kept.folder, Origin(end.address, path, etag, size))


def fetch_part(
    delivery: Delivery, end: End[Source], path: str, etag: str | None, start: int, length: int
) -> bytes:
    """Read one part of a file anew."""
    with end.gate.connection(delivery.stop):
        reading = end.storage.read(path, etag=etag, start=start, length=length)
        try:
            data = b"".join(bytes(chunk) for chunk in reading)
        finally:
            reading.close()
    if len(data) != length:
        raise SizeMismatch(path, length, len(data))
    end.gate.throttle(length, delivery.stop)
    return data


def read_kept_parts(
    delivery: Delivery, end: End[Source], path: str, etag: str | None, journal: PartsJournal
) -> Iterator[bytes]:
    """Yield what an earlier run left of a file; a part that was spoiled is read anew."""
    for part in journal.parts(partial(fetch_part, delivery, end, path, etag)):
        delivery.stop.check()
        delivery.progress.count_bytes(len(part))
        yield part


class ResumedReading:
    """One reading over one connection, begun where an earlier run left off if it left anything."""

    def __init__(self, delivery: Delivery, end: End[Source], path: str, etag: str | None) -> None:
        """Open the file; a chunk is counted, and passes the gate, before it is yielded."""
        self._delivery, self._end, self._path = delivery, end, path
        self._held = ExitStack()
        self._reading = self._open(etag, 0)
        self.resource = self._reading.resource
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
                self._reading = self._open(etag, journal.kept)
        try:
            for chunk in self._reading:
                delivery.stop.check()
                if journal is not None:
                    journal.note(chunk)
                delivery.progress.count_bytes(len(chunk))
                self._end.gate.throttle(len(chunk), delivery.stop)
                yield chunk
        except StorageError as error:
            self._end.gate.record_result(error)
            raise

    def _open(self, etag: str | None, start: int) -> Reading:
        with ExitStack() as held:
            held.enter_context(self._end.gate.connection(self._delivery.stop))
            reading = self._end.storage.read(self._path, etag=etag, start=start)
            held.callback(reading.close)
            self._held = held.pop_all()
        return reading

    def discard_kept(self) -> None:
        """Forget what was kept: all of it is here, or it is not the file."""
        if self._journal is not None:
            self._journal.discard()

    def close(self) -> None:
        """Free the connection; what was kept stays unless it is settled."""
        self._held.close()
        if self._journal is not None:
            self._journal.close()
