"""The large lane: one read, one pass of hashing, every destination written on the way.

A read that breaks goes on from the last hashed byte, pinned to the etag it began with. A
destination that breaks is dropped while the others go on, and is written again afterwards from
one that succeeded, so that the source is read once. Nothing is committed before the digest of
all bytes agrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from catalog.digest import Digest, Hasher
from catalog.errors import Cancelled, CatalogError, DigestMismatch, SizeMismatch, StorageError
from catalog.outcome import Status
from catalog.plan import OnError
from catalog.resource import Resource
from providers.base import Chunk, Copier, Reading, Source, Writer
from providers.by_digest import path_in
from transfer.by_digest import attributes, unchanged
from transfer.checking import check_read
from transfer.download import copy_origin
from transfer.elsewhere import elsewhere
from transfer.growth import MOST
from transfer.history import commit, keep, keep_early
from transfer.job import End
from transfer.mirrors import source_of, turn
from transfer.ranges import Ranges
from transfer.staging import FileReading, Piece, Staging, described, expected_digests, trusted_any


def pump(staging: Staging, piece: Piece) -> float | None:
    """Move one large piece; return None when it is settled, or when to come again, in seconds."""
    delivery = staging.delivery
    if delivery.options.on_error is OnError.FAIL and delivery.progress.failed:
        return None
    try:
        broken = _move(staging, piece)
    except StorageError as error:
        places = 0 if piece.turned else len(list(elsewhere(delivery, piece.item)))
        if piece.digest is None and piece.attempts <= places:
            return 0.0  # the catalog's word was outdated: the next is asked, the source at last
        delay = source_of(delivery, piece).retry.delay_s(max(1, piece.attempts - places), error)
        if delay is None and turn(delivery, piece, error):
            return 0.0
        if delay is None:
            staging.fail(piece, error)
        return delay
    longest: float | None = None
    for number, failure in broken.items():
        delay = None
        if isinstance(failure, StorageError):
            piece.tries[number] = piece.tries.get(number, 0) + 1
            delay = delivery.destinations[number].retry.delay_s(piece.tries[number], failure)
        if delay is None:
            staging.failed_at(piece, number, failure)
        else:
            longest = max(longest or 0.0, delay)
    return longest


def _move(staging: Staging, piece: Piece) -> dict[int, CatalogError]:
    """Read once, write everywhere, commit where all is well; return what broke, by destination."""
    delivery = staging.delivery
    broken: dict[int, CatalogError] = {}
    writers: dict[int, Writer] = {}
    copying: list[int] = []
    stream = _Stream(staging, piece)
    gates = ExitStack()
    try:
        ends = [delivery.destinations[number] for number, _ in piece.open_targets()]
        for end in sorted(ends, key=lambda one: one.address):  # one order: no two wait crosswise
            gates.enter_context(end.gate.connection(delivery.stop))
        stream.begin()
        for number, _ in piece.open_targets():
            storage = delivery.destinations[number].storage
            if copy_origin(delivery, piece, storage) is not None:
                copying.append(number)
                continue
            try:
                keep_early(staging, piece, number)
                writers[number] = storage.write(
                    piece.item.path, attributes(piece, storage), size=stream.size
                )
            except Cancelled:
                raise
            except CatalogError as error:
                broken[number] = error
        if writers or copying:
            for chunk in stream:
                _write_all(staging, chunk, writers, broken)
                if not writers and not copying:
                    return broken
            stream.check()
        for number in copying:
            _copy(staging, piece, number, broken)
        for number in list(writers):
            _commit(staging, piece, number, writers, broken)
    finally:
        stream.close()
        for writer in writers.values():
            writer.abort()
        gates.close()
    return broken


def _write_all(
    staging: Staging, chunk: Chunk, writers: dict[int, Writer], broken: dict[int, CatalogError]
) -> None:
    for number in list(writers):
        try:
            writers[number].write(chunk)
            staging.delivery.destinations[number].gate.pass_bytes(len(chunk), staging.delivery.stop)
        except StorageError as error:
            broken[number] = error
            writers.pop(number).abort()


def _copy(staging: Staging, piece: Piece, number: int, broken: dict[int, CatalogError]) -> None:
    storage = staging.delivery.destinations[number].storage
    origin = copy_origin(staging.delivery, piece, storage)
    if origin is None or not isinstance(storage, Copier):
        return
    source, path, etag = origin
    try:
        keep(staging, piece, number)
        stored = storage.copy_from(source, path, piece.item.path, etag=etag)
        if stored is None:
            raise SizeMismatch(piece.item.path, piece.size, 0)
        if stored.size != piece.size:
            storage.remove(piece.item.path)
            raise SizeMismatch(piece.item.path, piece.size, stored.size)
    except Cancelled:
        raise
    except CatalogError as error:
        broken[number] = error
        return
    staging.stored_at(piece, number, stored)


def _commit(
    staging: Staging,
    piece: Piece,
    number: int,
    writers: dict[int, Writer],
    broken: dict[int, CatalogError],
) -> None:
    writer = writers[number]
    storage = staging.delivery.destinations[number].storage
    try:
        same = unchanged(staging.delivery, piece, number)
        if same is not None:
            writer.abort()
        stored = same or commit(staging, piece, number, writer)
        if stored.size != piece.size:
            storage.remove(piece.item.path)
            raise SizeMismatch(piece.item.path, piece.size, stored.size)
    except Cancelled:
        raise
    except CatalogError as error:
        broken[number] = error
        return
    del writers[number]
    staging.stored_at(piece, number, stored)


class _Stream:
    """The bytes of one piece: from staging, from a destination that has them, or the source."""

    def __init__(self, staging: Staging, piece: Piece) -> None:
        self._piece = piece
        self._delivery = staging.delivery
        self._known: tuple[Digest, ...] = ()
        self._end, self._path = self._origin()
        self._replay = piece.digest is not None
        self._hasher = Hasher()
        self._expected: tuple[Digest, ...] = ()
        self._reading: Reading | None = None
        self._connections = MOST  # to read with, where one is slow
        self._resource: Resource | None = None
        self.size: int | None = piece.item.size

    def _origin(self) -> tuple[End[Source], str]:
        if not self._piece.turned and self._piece.digest is None:
            places = list(elsewhere(self._delivery, self._piece.item))
            if self._piece.attempts < len(places):
                end, place = places[self._piece.attempts]
                self._known = (Digest("sha256", place.sha256),)
                return end, place.path
        for number, outcome in self._piece.outcomes.items():
            if outcome.status is Status.STORED:
                end = self._delivery.destinations[number]
                path = self._piece.item.path
                return end, path_in(end.storage, path, self._piece.digest, outcome.etag)
        return source_of(self._delivery, self._piece), self._piece.item.origin

    @property
    def _storage(self) -> Source:
        return self._end.storage

    def begin(self) -> None:
        """Learn what is about to be read, so that writers know its size and type."""
        item = self._piece.item
        if not self._replay:
            self._piece.attempts += 1
        etag = item.etag if self._end is self._delivery.source else None
        self._reading = self._opened(etag, 0)
        self._resource = resource = self._reading.resource
        if not self._replay and self._end is self._delivery.source:
            self._piece.resource = resource
        self.size = resource.size if resource.size is not None else item.size
        self._expected = expected_digests(item, resource) + self._known
        if self._piece.digest is not None:
            self._expected += (Digest("sha256", self._piece.digest),)
        self._hasher = Hasher(digest.algorithm for digest in self._expected)

    def _opened(self, etag: str | None, start: int) -> Reading:
        if self._piece.file is not None:
            return FileReading(self._piece.file, described(self._piece))
        return Ranges(
            self._end, self._path, self._delivery, etag=etag, start=start, most=self._connections
        )

    def __iter__(self) -> Iterator[Chunk]:
        """Yield all bytes, going on after a break where the storage can pin and seek."""
        stop = self._delivery.stop
        while self._reading is not None:
            try:
                for chunk in self._reading:
                    stop.check()
                    self._hasher.update(chunk)
                    self._delivery.progress.moved(len(chunk))
                    self._end.gate.pass_bytes(len(chunk), stop)
                    yield chunk
                if self.size is None or self._hasher.size >= self.size:
                    return
                raise SizeMismatch(self._path, self.size, self._hasher.size)
            except StorageError as error:
                self._reading.close()
                if isinstance(self._reading, Ranges) and self._reading.gave_up:
                    self._connections = 1
                self._resume(error)

    def _resume(self, error: StorageError) -> None:
        """Open the rest of the file after a break, or raise `error` where that cannot be."""
        etag = self._resource.etag if self._resource else None
        progressed = 0 < self._hasher.size < (self.size or 0)
        if etag is None or not progressed or not self._storage.capabilities.ranges:
            raise error
        while True:
            delay = self._end.retry.delay_s(self._piece.attempts, error)
            if delay is None:
                raise error
            self._delivery.stop.wait(delay)
            self._piece.attempts += 1
            try:
                self._reading = self._opened(etag, self._hasher.size)
            except StorageError as again:
                error = again
            else:
                return

    def check(self) -> None:
        """Compare what was read with everything that was promised."""
        if self._replay:
            for digest in self._expected:
                found = self._hasher.digest(digest.algorithm)
                if found != digest:
                    raise DigestMismatch(self._path, str(digest), str(found))
            return
        if self._resource is not None:
            check_read(self._piece, self._hasher, self._expected, self._resource)
            if self._end is not self._delivery.source:
                self._piece.resource = None  # it describes the other place
                self._piece.declared = trusted_any(expected_digests(self._piece.item, None))

    def close(self) -> None:
        """Free the connection."""
        if self._reading is not None:
            self._reading.close()
