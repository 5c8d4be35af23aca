"""Journals the received parts of a large file on disk, so that the next run reads only the rest.

Every 4 MiB are a part: its bytes are in a file, its CRC32C in the journal. A journal belongs to one
source address, path, etag and size; one that does not match is discarded. A part that was damaged
on disk is fetched again, alone.

The bytes are in the journal's own file or, if a destination writes a file on this machine anyway,
in a hard link to that.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol, runtime_checkable

import google_crc32c

from catalog.errors import StorageFailed
from providers.base import Chunk

PART = 4 * 2**20  # bytes
MIN_FREE_BYTES = 2**30  # that stay free on the disk
NO_OWN_PART = 2**62  # the index of the first own part if there is none
STALE_S = 7 * 86_400.0  # after which a journal was abandoned

LOG = logging.getLogger(__name__)

Fetch = Callable[[int, int], bytes]
"""Read bytes of the source: (start, length)."""


@dataclass(frozen=True, slots=True)
class SourceIdentity:
    """The identity of the bytes: a file of `size` bytes at a source, with its etag."""

    address: str
    path: str
    etag: str
    size: int

    @property
    def key(self) -> str:
        """Return the base name of its journal's files."""
        return sha256(json.dumps([self.address, self.path]).encode()).hexdigest()[:32]


@runtime_checkable
class SupportsLink(Protocol):
    """A writer whose unfinished file is on this machine."""

    def link_as(self, name: str) -> Path | None:
        """Create a hard link to the unfinished file beside it; None if that is impossible."""
        ...


class PartsJournal:
    """The parts of one file, locked by its reader."""

    def __init__(self, folder: Path, origin: SourceIdentity, journal: int) -> None:
        """Take over the locked descriptor `journal`, and load its content."""
        self._folder, self._origin, self._journal = folder, origin, journal
        self._own_file = folder / f"{origin.key}.part"
        self._linked_file: Path | None = None  # a link to a destination's file, only read here
        self._first_own_part = 0  # the first part that is not in the linked file
        self._sums: list[int] = []
        self._descriptors: dict[Path, int] = {}
        self._load()
        self.kept = len(self._sums) * PART
        """Bytes from the start that are on disk: whole parts, and never the last byte."""
        self._written_sums = len(self._sums)  # how many sums are in the journal
        self._sum = 0  # CRC of the current part
        self._offset = self.kept  # bytes received, from the start
        self._active = True

    @classmethod
    def acquire(cls, folder: Path, origin: SourceIdentity) -> PartsJournal | None:
        """Return the journal of a file; None if it is locked or cannot be created."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_stale_journals(folder)
            return cls(folder, origin, _open_locked(folder / f"{origin.key}.json"))
        except OSError as error:
            LOG.info("parts of %r are not kept for resuming: %s", origin.path, error)
            return None

    def begin(self, writers: Iterable[object]) -> None:
        """Choose where new parts are stored: in the file of a local writer, or in the own file.

        The unfinished file of a killed run is only read: it may have changed.
        """
        with self._best_effort():
            self._first_own_part = min(self._first_own_part, self._written_sums)
            if not self.kept:
                self._own_file.unlink(missing_ok=True)
                self._linked_file = self._link_unfinished(writers)
                self._first_own_part = NO_OWN_PART if self._linked_file else 0
            if self._first_own_part != NO_OWN_PART:
                room = os.statvfs(self._folder)
                if room.f_bavail * room.f_frsize < self._origin.size - self.kept + MIN_FREE_BYTES:
                    raise OSError(errno.ENOSPC, "too little space on its disk")
                self._open_cached(self._own_file, os.O_RDWR | os.O_CREAT)
            head = asdict(self._origin) | {
                "lent": str(self._linked_file or ""),
                "until": self._first_own_part,
            }
            os.ftruncate(self._journal, 0)
            os.write(self._journal, f"{json.dumps(head)}\n".encode() + _format_sums(self._sums))

    def parts(self, fetch: Fetch) -> Iterator[bytes]:
        """Yield the bytes on disk; a damaged part is fetched again.

        Raises:
            StorageFailed: a part differs from before; the journal is discarded.
        """
        path = self._origin.path
        for number, known in enumerate(self._sums[: self.kept // PART]):
            data = b""
            with suppress(OSError):  # unreadable parts count as damaged
                data = os.pread(self._part_descriptor(number), PART, number * PART)
            if google_crc32c.value(data) != known:
                LOG.warning("part %d of %r is damaged on disk; fetching it again", number, path)
                data = fetch(number * PART, PART)
                if google_crc32c.value(data) != known:
                    self.discard()
                    raise StorageFailed(
                        f"{path!r} differs from its kept parts: retrying", path=path
                    )
            yield data

    def note(self, chunk: Chunk) -> None:
        """Record the next received bytes; everything recorded before is on disk by now."""
        if not self._active:
            return
        with self._best_effort():
            self._write_sums()
            view = memoryview(chunk)
            while view:
                piece = bytes(view[: PART - self._offset % PART])
                if self._offset // PART >= self._first_own_part:
                    _write_all(self._open_cached(self._own_file, os.O_RDWR), piece, self._offset)
                self._sum = google_crc32c.extend(self._sum, piece)
                self._offset += len(piece)
                if self._offset % PART == 0:
                    self._sums.append(self._sum)
                    self._sum = 0
                view = view[len(piece) :]

    def discard(self) -> None:
        """Delete the journal: the file is complete, or the parts are not of this file."""
        self._active = False
        for file in (self._own_file, self._linked_file, self._folder / f"{self._origin.key}.json"):
            if file is not None:
                with suppress(OSError):
                    file.unlink(missing_ok=True)

    def close(self) -> None:
        """Unlock the journal; its parts stay for the next run."""
        if self._active:
            with self._best_effort():
                self._write_sums()
        self._active = False
        for descriptor in (*self._descriptors.values(), self._journal):
            os.close(descriptor)

    def _load(self) -> None:
        """Load what an earlier run left, if it matches."""
        head, *lines = _read_whole(self._journal).split(b"\n")
        try:
            known = json.loads(head)
            lent, until = Path(known.pop("lent")), int(known.pop("until"))
            if known != asdict(self._origin):
                if until:
                    lent.unlink(missing_ok=True)  # the source's file has changed since
                return
            sums = [int(line, 16) for line in lines[:-1]]  # the last one is empty or incomplete
            there = lent.stat().st_size // PART if until else 0
            if there >= until and self._own_file.exists():
                there = max(until, self._own_file.stat().st_size // PART)
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            return
        self._linked_file, self._first_own_part = lent if until else None, until
        self._sums = sums[: min(there, (self._origin.size - 1) // PART)]

    def _link_unfinished(self, writers: Iterable[object]) -> Path | None:
        """Return a link to the unfinished file of a local writer, if there is one."""
        linkable = (writer for writer in writers if isinstance(writer, SupportsLink))
        named = (one.link_as(self._own_file.name) for one in linkable)
        return next((place for place in named if place is not None), None)

    def _part_descriptor(self, number: int) -> int:
        lent = self._linked_file if number < self._first_own_part else None
        return self._open_cached(lent or self._own_file, os.O_RDONLY if lent else os.O_RDWR)

    def _open_cached(self, place: Path, flags: int) -> int:
        if place not in self._descriptors:
            self._descriptors[place] = os.open(place, flags | os.O_CLOEXEC, 0o600)
        return self._descriptors[place]

    def _write_sums(self) -> None:
        """Append the sums of complete parts to the journal."""
        new = self._sums[self._written_sums :]
        if new:
            os.write(self._journal, _format_sums(new))
            self._written_sums = len(self._sums)

    @contextmanager
    def _best_effort(self) -> Generator[None]:
        """Go on without the journal if the disk fails."""
        try:
            yield
        except OSError as error:
            LOG.info("further parts of %r are not kept for resuming: %s", self._origin.path, error)
            self._active = False
            if not self.kept:
                self.discard()


def remove_stale_journals(folder: Path, older_s: float = STALE_S) -> None:
    """Delete the abandoned journals in `folder`."""
    for journal in folder.glob("*.json"):
        with suppress(OSError):
            if time.time() - journal.stat().st_mtime > older_s:
                held = _open_locked(journal)  # fails if it is in use
                try:
                    with suppress(ValueError, KeyError, TypeError):
                        if lent := json.loads(_read_whole(held).split(b"\n")[0])["lent"]:
                            Path(lent).unlink(missing_ok=True)
                    journal.with_suffix(".part").unlink(missing_ok=True)
                    journal.unlink(missing_ok=True)
                finally:
                    os.close(held)


def _format_sums(sums: list[int]) -> bytes:
    return b"".join(b"%08x\n" % crc for crc in sums)


def _open_locked(journal: Path) -> int:
    """Open and lock a journal; fails if it is in use."""
    descriptor = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _read_whole(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        offset += count
        view = view[count:]
