"""The latest listing of an API, on disk: from path to URL."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator

from catalog.errors import ResourceNotFound
from catalog.model.digest import Digest
from catalog.model.gap import UNREADABLE, Gap, Listed
from catalog.model.resource import Resource
from providers.api.entries import Entry

_TABLE = "CREATE TABLE entries (path TEXT PRIMARY KEY, url TEXT NOT NULL, facts TEXT) WITHOUT ROWID"


class ApiIndex:
    """Entries by path; thread-safe. Each complete listing replaces its content."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._filling = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def fill(self, entries: Iterator[Entry | Gap]) -> Iterator[Listed]:
        """Yield the files of a listing, and store them once it is complete.

        No lock is held meanwhile, so that files can be looked up. If two entries have the same
        name, the first is stored, and the name is a gap.
        """
        # No name: a temporary file that SQLite removes when it is closed or the process is killed.
        database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        try:
            database.execute(_TABLE)
            database.execute("BEGIN")
            for entry in entries:
                if isinstance(entry, Gap):
                    yield entry
                elif _insert(database, entry):
                    yield entry.resource
                else:
                    path = entry.resource.path
                    yield Gap(path, "two entries have this name", UNREADABLE)
            database.execute("COMMIT")
        except BaseException:
            database.close()
            raise
        self._replace_database(database)

    def entry(self, path: str, listed: Callable[[], Iterator[Listed]]) -> Entry:
        """Return the entry of a path; `listed` fills the index if it is empty.

        Raises:
            ResourceNotFound: the API does not list such a file.
        """
        if self._database is None:
            with self._filling:  # only one thread fills it
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
        """Discard the entries."""
        self._replace_database(None)

    def _replace_database(self, database: sqlite3.Connection | None) -> None:
        with self._lock:
            old, self._database = self._database, database
            if old is not None:
                old.close()


def _insert(database: sqlite3.Connection, entry: Entry) -> bool:
    """Store an entry; return False if its name is taken."""
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
    except sqlite3.IntegrityError:
        return False
    return True


def _resource(path: str, facts: str) -> Resource:
    known = json.loads(facts)
    digests = tuple(Digest.parse(each) for each in known.pop("digests"))
    return Resource(path, digests=digests, **known)
