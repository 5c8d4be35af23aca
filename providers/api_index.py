"""What an API listed last, on disk: from a path to its URL, however many there are."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

from catalog.digest import Digest
from catalog.errors import ResourceNotFound, UnexpectedReply
from catalog.resource import Resource
from providers.api_listing import Entry

_TABLE = "CREATE TABLE entries (path TEXT PRIMARY KEY, url TEXT NOT NULL, facts TEXT) WITHOUT ROWID"


class ApiIndex:
    """Entries by path; safe to share between threads. It is filled by a listing, whole."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._folder: Path | None = None  # made when something is to be held
        self._lock = threading.Lock()
        self._filling = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._count = 0
        self._remove: Callable[[], object] = lambda: None

    def filled(self, entries: Iterator[Entry]) -> Iterator[Resource]:
        """Yield what a listing finds, and hold it once that is complete.

        Raises:
            UnexpectedReply: two entries bear one name.
        """
        with self._filling:
            self._count += 1
            file = self._place() / f"{self._count}.sqlite"
            database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            try:
                database.execute("PRAGMA journal_mode = OFF")
                database.execute("PRAGMA synchronous = OFF")
                database.execute(_TABLE)
                database.execute("BEGIN")
                for entry in entries:
                    _insert(database, entry)
                    yield entry.resource
                database.execute("COMMIT")
            except BaseException:
                database.close()
                file.unlink(missing_ok=True)
                raise
            with self._lock:
                old, self._database = self._database, database
            if old is not None:
                old.close()

    def entry(self, path: str, listed: Callable[[], Iterator[Resource]]) -> Entry:
        """Return the entry of a path; `listed` fills the index where nobody did so yet.

        Raises:
            ResourceNotFound: the API lists no such file.
        """
        if self._database is None:
            for _ in listed():
                pass
        with self._lock:
            if self._database is None:
                raise ResourceNotFound(f"the listing has no file {path!r}", path=path)
            row = self._database.execute(
                "SELECT url, facts FROM entries WHERE path = ?", (path,)
            ).fetchone()
        if row is None:
            raise ResourceNotFound(f"the listing has no file {path!r}", path=path)
        return Entry(_resource(path, str(row[1])), str(row[0]))

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
        self._remove()

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="entrepot-api-"))
            self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder


def _insert(database: sqlite3.Connection, entry: Entry) -> None:
    one = entry.resource
    facts = json.dumps(
        {
            "size": one.size,
            "etag": one.etag,
            "modified_us": one.modified_us,
            "digests": [str(each) for each in one.digests],
            "content_type": one.content_type,
            "properties": dict(one.properties),
        }
    )
    try:
        database.execute("INSERT INTO entries VALUES (?, ?, ?)", (one.path, entry.url, facts))
    except sqlite3.IntegrityError as error:
        raise UnexpectedReply(f"two entries bear the name {one.path!r}", path=one.path) from error


def _resource(path: str, facts: str) -> Resource:
    known = json.loads(facts)
    digests = tuple(Digest.parse(each) for each in known.pop("digests"))
    return Resource(path, digests=digests, **known)
