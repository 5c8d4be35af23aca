"""What a path of served content means: a file, a folder, another name, a manifest, or nothing.

The catalog is asked; what it said is remembered until anything is recorded anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.errors import InvalidInput, NotRecorded, RepositoryNotFound, UnsafePath
from catalog.paths import check_path
from catalog.serving import Entry, Found, Placed
from catalog.store import Catalog
from catalog.version import ContentRow, Location, Version
from gateway.tenants import Served

MANIFEST = "PULP_MANIFEST"
"""The manifest of a version, below its root: what other instances sync from."""
REMEMBERED = 50_000  # files
TIMES = ("%Y%m%dT%H%M%SZ", "%Y%m%d", "%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class File:
    """A file, as a version has it, or as it was kept of no version (None)."""

    found: Found
    version: int | None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a version."""

    path: str  # '' or ending in a slash
    entries: tuple[Entry, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A folder that was asked for without its slash."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a version."""

    version: int


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A path that no version lists, and that the repository's upstream may have."""

    path: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is no such path."""


Answer = File | Folder | Moved | Manifest | Unlisted | Nothing


@dataclass(frozen=True, slots=True)
class At:
    """Which version is asked for; neither is the latest."""

    number: int | None = None
    moment: datetime | None = None


def parse_at(text: str) -> At:
    """Read what stands behind the `@` of a repository's name: a number, or a time in UTC.

    >>> parse_at("7"), parse_at("20260303T120000Z").moment.hour, parse_at("2026-03-03").moment.day
    (At(number=7, moment=None), 12, 3)
    """
    if not text:
        return At()
    if text.isascii() and text.isdigit() and len(text) < 8:
        return At(number=int(text))
    for form in TIMES:
        try:
            return At(moment=datetime.strptime(text, form).replace(tzinfo=UTC))
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is neither the number of a version nor a time") from error
    return At(moment=moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def answer(catalog: Catalog, served: Served, at: At, path: str) -> Answer:
    """Return what a path means.

    Raises:
        UnsafePath: it would leave its root.
        NotRecorded: there is no such version.
    """
    if at == At():
        number = catalog.latest_number(served.address)
    else:
        number = chosen(catalog, served, at).number
    if number is None:
        return _unlisted(catalog, served, path) if path else Nothing()
    if not path or path.endswith("/"):
        return _folder(catalog, served, number, path)
    check_path(path)
    found = catalog.find(served.address, number, path)
    if found is not None:
        return File(found, number)
    if path == MANIFEST:
        return Manifest(number)
    if catalog.folder(served.address, number, path, count=1):
        return Moved()
    return _not_latest(catalog, served, path) if at == At() else Nothing()


def chosen(catalog: Catalog, served: Served, at: At) -> Version:
    """Return the version that is meant."""
    if at.moment is not None and at.moment > datetime.now(UTC):
        raise NotRecorded("version", f"{served.name} at {at.moment.isoformat()}: not yet")
    try:
        return catalog.chosen_version(served.address, at.number, at.moment)
    except RepositoryNotFound as error:
        raise NotRecorded("version", f"{served.name} at that time") from error


def _folder(catalog: Catalog, served: Served, number: int, path: str) -> Answer:
    if path:
        check_path(path.rstrip("/"))
        if path.endswith("//"):
            raise UnsafePath(path, "it has an empty segment")
    index = catalog.find(served.address, number, path + served.config.index)
    if index is not None:
        return File(index, number)
    if not served.config.listing:
        return Nothing()
    entries = catalog.folder(served.address, number, path)
    if path and not entries:
        return Nothing()
    return Folder(path, tuple(entries), number)


def _not_latest(catalog: Catalog, served: Served, path: str) -> Answer:
    """Return what the latest version lost a while ago, or what the upstream may have."""
    since = datetime.now(UTC) - timedelta(seconds=served.config.grace_s)
    older = catalog.superseded(served.address, path, since)
    return _unlisted(catalog, served, path) if older is None else File(older, older.version)


def _unlisted(catalog: Catalog, served: Served, path: str) -> Answer:
    if served.upstream is None or path.endswith("/"):
        return Nothing()
    check_path(path)
    kept = catalog.location(served.address, path)
    return Unlisted(path) if kept is None else File(_kept(kept), None)


def _kept(one: Location) -> Found:
    row = ContentRow(one.path, one.size, one.etag, one.modified_us, one.digest, None, None)
    place = Placed(one.address, one.path, one.etag, one.size, one.modified_us)
    return Found(row, -1, (place,))


class Answers:
    """Answers that were given, as long as nothing was recorded since; safe between threads."""

    def __init__(self, catalog: Catalog) -> None:
        """Begin with none."""
        self._catalog = catalog
        self._known: OrderedDict[Hashable, Answer] = OrderedDict()
        self._generation: object = None
        self._lock = threading.Lock()

    def known(self, key: Hashable) -> Answer | None:
        """Return an answer that still holds."""
        if self._generation != self._catalog.generation():
            return None
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found

    def asked(self, key: Hashable, question: Callable[[], Answer]) -> Answer:
        """Ask, and remember files."""
        generation = self._catalog.generation()
        given = question()
        if isinstance(given, File) and given.version is not None:
            with self._lock:
                if self._generation != generation:
                    self._known.clear()
                    self._generation = generation
                self._known[key] = given
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return given
