"""Resolves paths of served content: a file, a folder, a redirect, a manifest, or nothing.

Results from the catalog are cached until the catalog changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded, RepositoryNotFound, UnsafePath
from catalog.model.version import ContentRow, Location, Version
from catalog.paths import check_path
from catalog.queries.files import FolderEntry, ResolvedFile, StoredCopy
from gateway.access.tenants import ServedRepository
from gateway.http.errors import RequestRefused

MANIFEST = "PULP_MANIFEST"
"""The manifest of a version, in its root; other instances can sync from it."""
MAX_CACHED = 50_000  # files
TIMES = ("%Y%m%dT%H%M%SZ", "%Y%m%d", "%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a version, or one stored without a version (None)."""

    found: ResolvedFile
    version: int | None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a version."""

    path: str  # '' or ending in a slash
    entries: tuple[FolderEntry, ...]
    version: int


@dataclass(frozen=True, slots=True)
class FolderRedirect:
    """A folder requested without its trailing slash."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a version."""

    version: int


@dataclass(frozen=True, slots=True)
class UpstreamPath:
    """A path that no version lists, but that the repository's upstream may have."""

    path: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The path does not exist."""


Lookup = File | Folder | FolderRedirect | Manifest | UpstreamPath | NotFound


@dataclass(frozen=True, slots=True)
class VersionSelector:
    """The requested version; the latest by default."""

    number: int | None = None
    moment: datetime | None = None


def parse_version_selector(text: str) -> VersionSelector:
    """Parse the text after `@` in a repository's name: a version number, or a time in UTC.

    >>> parse_version_selector("7")
    VersionSelector(number=7, moment=None)
    >>> parse_version_selector("20260303T120000Z").moment.hour
    12
    >>> parse_version_selector("2026-03-03").moment.day
    3
    """
    if not text:
        return VersionSelector()
    if text.isascii() and text.isdigit() and len(text) < 8:
        return VersionSelector(number=int(text))
    for form in TIMES:
        try:
            return VersionSelector(moment=datetime.strptime(text, form).replace(tzinfo=UTC))
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is neither a version number nor a time") from error
    return VersionSelector(moment=moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def look_up(catalog: Catalog, served: ServedRepository, at: VersionSelector, path: str) -> Lookup:
    """Resolve a path.

    Raises:
        UnsafePath: the path leads out of the root.
        NotRecorded: the version does not exist.
    """
    if at == VersionSelector():
        number = catalog.versions.latest_number(served.address)
    else:
        number = select_version(catalog, served, at).number
    if number is None:
        if served.upstream is None:
            refuse_repository_of_other_tenant(catalog, served)
        return _find_unlisted(catalog, served, path) if path else NotFound()
    if not path or path.endswith("/"):
        return _folder(catalog, served, number, path)
    check_path(path)
    found = catalog.files.find(served.address, number, path)
    if found is not None:
        return File(found, number)
    if path == MANIFEST:
        return Manifest(number)
    if catalog.files.folder(served.address, number, path, count=1):
        return FolderRedirect()
    return _find_replaced(catalog, served, path) if at == VersionSelector() else NotFound()


def refuse_repository_of_other_tenant(catalog: Catalog, served: ServedRepository) -> None:
    """Refuse a repository that is served to one tenant but was synced by another.

    Raises:
        Refused: 404, with what to do.
    """
    if catalog.repositories.belongs_to_other_tenant(served.address):
        raise RequestRefused(
            404,
            f"the repository {served.name!r} has no versions for this tenant, because it was "
            "synced by another one: sync it with ENTREPOT_TENANT set to this tenant",
            kind="NotOfThisTenant",
        )


def select_version(catalog: Catalog, served: ServedRepository, at: VersionSelector) -> Version:
    """Return the selected version."""
    if at.moment is not None and at.moment > datetime.now(UTC):
        raise NotRecorded("version", f"{served.name} at {at.moment.isoformat()}, in the future")
    try:
        return catalog.versions.choose(served.address, at.number, at.moment)
    except RepositoryNotFound as error:
        raise NotRecorded("version", f"{served.name} at that time") from error


def _folder(catalog: Catalog, served: ServedRepository, number: int, path: str) -> Lookup:
    if path:
        check_path(path.rstrip("/"))
        if path.endswith("//"):
            raise UnsafePath(path, "it has an empty segment")
    index = catalog.files.find(served.address, number, path + served.config.index)
    if index is not None:
        return File(index, number)
    if not served.config.listing:
        return NotFound()
    entries = catalog.files.folder(served.address, number, path)
    if path and not entries:
        return NotFound()
    return Folder(path, tuple(entries), number)


def _find_replaced(catalog: Catalog, served: ServedRepository, path: str) -> Lookup:
    """Return a file that the latest version removed recently, or an upstream path."""
    since = datetime.now(UTC) - timedelta(seconds=served.config.grace_s)
    older = catalog.files.replaced_since(served.address, path, since)
    return _find_unlisted(catalog, served, path) if older is None else File(older, older.version)


def _find_unlisted(catalog: Catalog, served: ServedRepository, path: str) -> Lookup:
    if served.upstream is None or path.endswith("/"):
        return NotFound()
    check_path(path)
    kept = catalog.holdings.location(served.address, path)
    return UpstreamPath(path) if kept is None else File(_file_of_location(kept), None)


def _file_of_location(location: Location) -> ResolvedFile:
    row = ContentRow(
        location.path,
        location.size,
        location.etag,
        location.modified_us,
        location.digest,
        None,
        None,
    )
    place = StoredCopy(
        location.address, location.path, location.etag, location.size, location.modified_us
    )
    return ResolvedFile(row, -1, (place,))


class LookupCache:
    """Caches lookups until the catalog changes; thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        """Start empty."""
        self._catalog = catalog
        self._known: OrderedDict[Hashable, Lookup] = OrderedDict()
        self._generation: object = None
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Lookup | None:
        """Return a cached result that is still valid."""
        if self._generation != self._catalog.generation():
            return None
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found

    def compute(self, key: Hashable, question: Callable[[], Lookup]) -> Lookup:
        """Compute a result, and cache it if it is a file."""
        generation = self._catalog.generation()
        given = question()
        if isinstance(given, File) and given.version is not None:
            with self._lock:
                if self._generation != generation:
                    self._known.clear()
                    self._generation = generation
                self._known[key] = given
                while len(self._known) > MAX_CACHED:
                    self._known.popitem(last=False)
        return given
