"""A folder of a shelf as a storage: the protocols `Source` and `Destination` of Entrepot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from time import time_ns

from catalog.model.digest import Digest
from catalog.errors import ResourceChanged, ResourceNotFound
from catalog.paths import check_path, is_below
from catalog.model.resource import Resource
from providers.capabilities import Capabilities
from providers.base import Attributes, Chunk, Fetched, Stored
from providers.connection import OnClose

from shelf.database import Database

CHUNK = 2**20  # bytes
_marks = count(time_ns())  # a mark for each write, never the same


class ShelfReader:
    """A body in chunks."""

    def __init__(self, resource: Resource, data: bytes) -> None:
        """Hold what was read in one transaction."""
        self.resource, self._data = resource, data

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes."""
        for start in range(0, len(self._data), CHUNK):
            yield self._data[start : start + CHUNK]

    def close(self) -> None:
        """Do nothing: no connection is held."""


class ShelfWriter:
    """A file that is collected, and appears at `commit`."""

    def __init__(self, storage: ShelfStorage, path: str) -> None:
        """Collect nothing yet."""
        self._storage, self._path, self._data = storage, path, bytearray()

    def write(self, chunk: Chunk) -> None:
        """Take the next bytes."""
        self._data += chunk

    def commit(self, digest: Digest) -> Stored:
        """Make the row in one transaction; `digest` could be stored beside it."""
        return self._storage.put(self._path, bytes(self._data), Attributes(sha256=digest.value))

    def abort(self) -> None:
        """Forget what was collected."""
        self._data.clear()


class ShelfStorage:
    """A folder of a shelf."""

    capabilities = Capabilities(tree=False, etags=True, pinned_reads=True)

    def __init__(self, database: Database, folder: str, on_close: OnClose) -> None:
        """Serve what lies below `folder`."""
        self._database, self._folder, self._on_close = database, folder, on_close

    def check_name(self, path: str) -> None:
        """Refuse what no storage may hold; a row may have any other name."""
        check_path(path)

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Resource]:
        """Yield every file at or below `prefix`."""
        with self._database.use() as database:
            rows = database.execute("SELECT path, length(data), etag FROM files").fetchall()
        start = len(self._folder) + 1 if self._folder else 0
        for key, size, etag in rows:
            path = key[start:]
            if not is_below(self._folder, key) or not is_below(prefix, path):
                continue
            rest = path[len(prefix) + 1 if prefix else 0 :]
            if recursive or "/" not in rest:
                yield Resource(path, size=size, etag=str(etag))

    def stat(self, path: str) -> Resource:
        """Describe one file."""
        with self._database.use() as database:
            query = "SELECT length(data), etag FROM files WHERE path = ?"
            row = database.execute(query, (self._key(path),)).fetchone()
        if row is None:
            raise ResourceNotFound(f"{path!r} is not on the shelf", path=path)
        return Resource(path, size=row[0], etag=str(row[1]))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole, if it is still the planned one."""
        with self._database.use() as database:
            query = "SELECT data, etag FROM files WHERE path = ?"
            row = database.execute(query, (self._key(path),)).fetchone()
        if row is None:
            raise ResourceNotFound(f"{path!r} is not on the shelf", path=path)
        if etag is not None and etag != str(row[1]):
            raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        return Fetched(row[0], Resource(path, size=len(row[0]), etag=str(row[1])))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> ShelfReader:
        """Read `length` bytes from `start`."""
        fetched = self.fetch(path, etag=etag)
        end = None if length is None else start + length
        return ShelfReader(fetched.resource, fetched.data[start:end])

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a file whole: it appears with the transaction."""
        mark = next(_marks)
        with self._database.use() as database:
            row = (self._key(path), data, mark)
            database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", row)
        return Stored(len(data), str(mark))

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> ShelfWriter:
        """Begin a file."""
        self._key(path)
        return ShelfWriter(self, path)

    def remove(self, path: str) -> None:
        """Delete one file; absent is fine."""
        with self._database.use() as database:
            database.execute("DELETE FROM files WHERE path = ?", (self._key(path),))

    def close(self) -> None:
        """Let go of the connection."""
        self._on_close()

    def _key(self, path: str) -> str:
        return f"{self._folder}/{check_path(path)}" if self._folder else check_path(path)
