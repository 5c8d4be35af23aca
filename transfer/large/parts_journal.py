"""What was read of a large file, kept on disk so that a run after a kill reads only the rest.

Every 4 MiB that came are a part: its bytes lie in a file, its CRC32C in a journal. The journal is
bound to the source's address, path, etag and size; one that does not fit is thrown away. A part
whose bytes are not those that came is fetched again, alone.

The bytes lie in a file of the journal's own, or, where a destination writes into a file of this
machine anyway, under a second name of that.
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
SPARE = 2**30  # bytes that stay free on the disk
NEVER = 2**62  # no part is in a file of ours
STALE_S = 7 * 86_400.0  # after which nobody goes on with a file

LOG = logging.getLogger(__name__)

Fetch = Callable[[int, int], bytes]
"""Read bytes of the source: (start, length)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which bytes they are: a file of `size` bytes at a source, as its etag names them."""

    address: str
    path: str
    etag: str
    size: int

    @property
    def key(self) -> str:
        """Return what the files of its journal are called."""
        return sha256(json.dumps([self.address, self.path]).encode()).hexdigest()[:32]


@runtime_checkable
class SupportsLink(Protocol):
    """A writer whose unfinished file lies on this machine."""

    def link_as(self, name: str) -> Path | None:
        """Give the unfinished file a second name beside it; None where that cannot be."""
        ...


class PartsJournal:
    """The parts of one file, held alone by whoever reads it."""

    def __init__(self, folder: Path, origin: Origin, journal: int) -> None:
        """Own the descriptor `journal`, which is locked, and read what it tells."""
        self._folder, self._origin, self._journal = folder, origin, journal
        self._own = folder / f"{origin.key}.part"
        self._lent: Path | None = None  # a destination's file, which is only read
        self._until = 0  # the first part that is not in there
        self._sums: list[int] = []
        self._descriptors: dict[Path, int] = {}
        self._read()
        self.kept = len(self._sums) * PART
        """Bytes from the start that are here: whole parts, and never the last byte."""
        self._told = len(self._sums)  # of the sums are in the journal
        self._sum = 0  # of the part that is coming
        self._at = self.kept  # bytes that came, from the start
        self._on = True

    @classmethod
    def held(cls, folder: Path, origin: Origin) -> PartsJournal | None:
        """Return the journal of a file; None where another holds it or it cannot be made."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sweep(folder)
            return cls(folder, origin, _locked(folder / f"{origin.key}.json"))
        except OSError as error:
            LOG.info("no parts of %r are kept: %s", origin.path, error)
            return None

    def begin(self, writers: Iterable[object]) -> None:
        """Choose where new parts lie: in the file of one of `writers` on this machine, or in ours.

        A file that a killed run had begun is only read: who knows what has become of it.
        """
        with self._nice_to_have():
            self._until = min(self._until, self._told)
            if not self.kept:
                self._own.unlink(missing_ok=True)
                self._lent = self._named(writers)
                self._until = NEVER if self._lent else 0
            if self._until != NEVER:
                room = os.statvfs(self._folder)
                if room.f_bavail * room.f_frsize < self._origin.size - self.kept + SPARE:
                    raise OSError(errno.ENOSPC, "its disk has too little room")
                self._opened(self._own, os.O_RDWR | os.O_CREAT)
            head = asdict(self._origin) | {"lent": str(self._lent or ""), "until": self._until}
            os.ftruncate(self._journal, 0)
            os.write(self._journal, f"{json.dumps(head)}\n".encode() + _lines(self._sums))

    def parts(self, fetch: Fetch) -> Iterator[bytes]:
        """Yield the bytes that are here; a part that is not what came is fetched again.

        Raises:
            StorageFailed: it comes otherwise than it did; the journal is thrown away.
        """
        path = self._origin.path
        for number, known in enumerate(self._sums[: self.kept // PART]):
            data = b""
            with suppress(OSError):  # what the disk cannot read is not here
                data = os.pread(self._holding(number), PART, number * PART)
            if google_crc32c.value(data) != known:
                LOG.warning("part %d of %r was spoiled on disk, and is fetched again", number, path)
                data = fetch(number * PART, PART)
                if google_crc32c.value(data) != known:
                    self.discard()
                    raise StorageFailed(f"{path!r}: what was kept of it does not fit", path=path)
            yield data

    def note(self, chunk: Chunk) -> None:
        """Take the next bytes that came; all that was noted before is written by now."""
        if not self._on:
            return
        with self._nice_to_have():
            self._tell()
            view = memoryview(chunk)
            while view:
                piece = bytes(view[: PART - self._at % PART])
                if self._at // PART >= self._until:
                    _write_all(self._opened(self._own, os.O_RDWR), piece, self._at)
                self._sum = google_crc32c.extend(self._sum, piece)
                self._at += len(piece)
                if self._at % PART == 0:
                    self._sums.append(self._sum)
                    self._sum = 0
                view = view[len(piece) :]

    def discard(self) -> None:
        """Forget all of it: the file is where it belongs, or what is here is not the file."""
        self._on = False
        for file in (self._own, self._lent, self._folder / f"{self._origin.key}.json"):
            if file is not None:
                with suppress(OSError):
                    file.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of it; what it has stays for whoever comes next."""
        if self._on:
            with self._nice_to_have():
                self._tell()
        self._on = False
        for descriptor in (*self._descriptors.values(), self._journal):
            os.close(descriptor)

    def _read(self) -> None:
        """Learn what an earlier run left; nothing, where that does not fit."""
        head, *lines = _whole(self._journal).split(b"\n")
        try:
            told = json.loads(head)
            lent, until = Path(told.pop("lent")), int(told.pop("until"))
            if told != asdict(self._origin):
                if until:
                    lent.unlink(missing_ok=True)  # the file has become another since
                return
            sums = [int(line, 16) for line in lines[:-1]]  # the last is empty, or half written
            there = lent.stat().st_size // PART if until else 0
            if there >= until and self._own.exists():
                there = max(until, self._own.stat().st_size // PART)
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            return
        self._lent, self._until = lent if until else None, until
        self._sums = sums[: min(there, (self._origin.size - 1) // PART)]

    def _named(self, writers: Iterable[object]) -> Path | None:
        """Return the second name of an unfinished file of this machine, if one is written."""
        linkable = (one for one in writers if isinstance(one, SupportsLink))
        named = (one.link_as(self._own.name) for one in linkable)
        return next((place for place in named if place is not None), None)

    def _holding(self, number: int) -> int:
        lent = self._lent if number < self._until else None
        return self._opened(lent or self._own, os.O_RDONLY if lent else os.O_RDWR)

    def _opened(self, place: Path, flags: int) -> int:
        if place not in self._descriptors:
            self._descriptors[place] = os.open(place, flags | os.O_CLOEXEC, 0o600)
        return self._descriptors[place]

    def _tell(self) -> None:
        """Write the sums of the parts that are whole into the journal."""
        new = self._sums[self._told :]
        if new:
            os.write(self._journal, _lines(new))
            self._told = len(self._sums)

    @contextmanager
    def _nice_to_have(self) -> Generator[None]:
        """Go without a journal where the disk does not let us have one."""
        try:
            yield
        except OSError as error:
            LOG.info("no more parts of %r are kept: %s", self._origin.path, error)
            self._on = False
            if not self.kept:
                self.discard()


def sweep(folder: Path, older_s: float = STALE_S) -> None:
    """Remove what has lain in `folder` too long for anybody to go on with."""
    for journal in folder.glob("*.json"):
        with suppress(OSError):
            if time.time() - journal.stat().st_mtime > older_s:
                held = _locked(journal)  # not while somebody goes on with it
                try:
                    with suppress(ValueError, KeyError, TypeError):
                        if lent := json.loads(_whole(held).split(b"\n")[0])["lent"]:
                            Path(lent).unlink(missing_ok=True)
                    journal.with_suffix(".part").unlink(missing_ok=True)
                    journal.unlink(missing_ok=True)
                finally:
                    os.close(held)


def _lines(sums: list[int]) -> bytes:
    return b"".join(b"%08x\n" % one for one in sums)


def _locked(journal: Path) -> int:
    """Open a journal that nobody else holds."""
    descriptor = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _whole(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        offset += count
        view = view[count:]
