"""Streams one large file: verifies its bytes as they pass, and resumes interrupted reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalog.errors import CatalogError, DigestMismatch, SizeMismatch, StorageError
from catalog.model.digest import Digest, Hasher
from catalog.model.outcome import Status
from catalog.model.resource import Resource
from providers.base import Chunk, Reader, Source, Writer
from providers.layouts.content_names import stored_path
from transfer.batch.endpoints import Endpoint
from transfer.batch.file_reader import FileReader
from transfer.batch.integrity import check_read
from transfer.batch.staging import (
    Staging,
    Transfer,
    any_trusted,
    expected_digests,
    source_resource,
)
from transfer.large.connection_scaling import MAX_CONNECTIONS
from transfer.large.parallel_reader import ParallelReader
from transfer.large.parts_journal import PartsJournal
from transfer.large.resume import open_journal, read_kept_parts
from transfer.locate.known_copies import known_copies
from transfer.locate.source_failover import source_of


class Stream:
    """Streams one transfer: from staging, from a destination that has it, or from the source."""

    def __init__(self, staging: Staging, transfer: Transfer) -> None:
        """Choose where to read; no request is sent before `begin`."""
        self._transfer = transfer
        self._delivery = staging.delivery
        self._known_digests: tuple[Digest, ...] = ()
        self._end, self._path = self._choose_origin()
        self._replay = transfer.digest is not None
        self._hasher = Hasher()
        self._expected: tuple[Digest, ...] = ()
        self._reader: Reader | None = None
        self._connections = MAX_CONNECTIONS  # at most, if one is slow
        self._resource: Resource | None = None
        self._journal: PartsJournal | None = None
        self.size: int | None = transfer.item.size

    def _choose_origin(self) -> tuple[Endpoint[Source], str]:
        if not self._transfer.redirected and self._transfer.digest is None:
            places = list(known_copies(self._delivery, self._transfer.item))
            if self._transfer.attempts < len(places):
                end, place = places[self._transfer.attempts]
                self._known_digests = (Digest("sha256", place.sha256),)
                return end, place.path
        for number, outcome in self._transfer.outcomes.items():
            if outcome.status is Status.STORED:
                end = self._delivery.destinations[number]
                path = self._transfer.item.path
                return end, stored_path(end.storage, path, self._transfer.digest, outcome.etag)
        return source_of(self._delivery, self._transfer), self._transfer.item.origin

    @property
    def _storage(self) -> Source:
        return self._end.storage

    def begin(self) -> None:
        """Open the file, so that writers know its size and type."""
        item = self._transfer.item
        if not self._replay:
            self._transfer.attempts += 1
        etag = item.etag if self._end is self._delivery.source else None
        self._reader = self._open(etag, 0)
        self._resource = resource = self._reader.resource
        if not self._replay and self._end is self._delivery.source:
            self._transfer.resource = resource
        self.size = resource.size if resource.size is not None else item.size
        self._expected = expected_digests(item, resource) + self._known_digests
        if self._transfer.digest is not None:
            self._expected += (Digest("sha256", self._transfer.digest),)
        self._hasher = Hasher(digest.algorithm for digest in self._expected)
        if not self._replay and not self._known_digests:
            self._journal = open_journal(self._delivery, self._end, self._path, resource)
            if self._journal is not None and self._journal.kept:
                self._reader.close()  # and opened again where the kept parts end

    def keep_parts(self, writers: Iterable[Writer]) -> None:
        """Keep received parts, so that a later run can resume."""
        if self._journal is not None:
            self._journal.begin(writers)

    def _open(self, etag: str | None, start: int) -> Reader:
        if self._transfer.file is not None:
            return FileReader(self._transfer.file, source_resource(self._transfer))
        return ParallelReader(
            self._end, self._path, self._delivery, etag=etag, start=start, most=self._connections
        )

    def __iter__(self) -> Iterator[Chunk]:
        """Yield all bytes; resume interrupted reads if the storage supports pinned ranges."""
        stop, journal = self._delivery.stop, self._journal
        if journal is not None and journal.kept:
            yield from self._read_kept_parts(journal)
        while self._reader is not None:
            try:
                for chunk in self._reader:
                    stop.check()
                    self._hasher.update(chunk)
                    if journal is not None:
                        journal.note(chunk)
                    if self._transfer.file is None:  # staged bytes were counted when received
                        self._delivery.progress.count_bytes(len(chunk))
                        self._end.limiter.throttle(len(chunk), stop)
                    yield chunk
                if self.size is None or self._hasher.size >= self.size:
                    return
                raise SizeMismatch(self._path, self.size, self._hasher.size)
            except StorageError as error:
                self._end.limiter.record_result(error)
                self._reader.close()
                if isinstance(self._reader, ParallelReader) and self._reader.parallel_failed:
                    self._connections = 1
                self._resume(error)

    def _read_kept_parts(self, journal: PartsJournal) -> Iterator[Chunk]:
        """Yield the parts that an earlier run left, and continue reading where they end."""
        etag = self._resource.etag if self._resource else None
        for part in read_kept_parts(self._delivery, self._end, self._path, etag, journal):
            self._hasher.update(part)
            yield part
        self._reader = self._open(etag, journal.kept)

    def _resume(self, error: StorageError) -> None:
        """Reopen the file after an interruption, or raise `error` if that is impossible."""
        etag = self._resource.etag if self._resource else None
        progressed = 0 < self._hasher.size < (self.size or 0)
        if etag is None or not progressed or not self._storage.capabilities.ranges:
            raise error
        while True:
            delay = self._end.retry.delay_s(self._transfer.attempts, error)
            if delay is None:
                raise error
            self._delivery.stop.wait(delay)
            self._transfer.attempts += 1
            try:
                self._reader = self._open(etag, self._hasher.size)
            except StorageError as again:
                error = again
            else:
                return

    def check(self) -> None:
        """Verify all bytes that were read; discard kept parts if they are wrong."""
        try:
            self._check()
        except CatalogError:
            if self._journal is not None:
                self._journal.discard()
            raise

    def _check(self) -> None:
        if self._replay:
            for digest in self._expected:
                found = self._hasher.digest(digest.algorithm)
                if found != digest:
                    raise DigestMismatch(self._path, str(digest), str(found))
            return
        if self._resource is not None:
            check_read(self._transfer, self._hasher, self._expected, self._resource)
            if self._end is not self._delivery.source:
                self._transfer.resource = None  # it describes the other location
                self._transfer.digest_declared = any_trusted(
                    expected_digests(self._transfer.item, None)
                )

    def close(self) -> None:
        """Close the connection; kept parts are deleted once a destination has the file."""
        if self._reader is not None:
            self._reader.close()
        if self._journal is not None:
            if any(outcome.status is Status.STORED for outcome in self._transfer.outcomes.values()):
                self._journal.discard()
            self._journal.close()
