"""A WebDAV folder as a storage: PROPFIND lists, PUT writes a temporary file, MOVE renames it.

It uses our own HTTP client rather than webdav4, which strips spaces from names and
cannot pin a read to an etag.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

from catalog.errors import (
    AccessDenied,
    NameNotAllowed,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
    UnexpectedReply,
)
from catalog.model.gap import Listed
from catalog.model.resource import Resource
from catalog.paths import RESERVED, check_path
from providers.base import Attributes, Fetched, Stored
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.http.client import HttpClient
from providers.http.reader import HttpReader
from providers.http.response import Response, Upload
from providers.http.storage import HttpStorage
from providers.interfaces.history import HISTORY, KeepResult
from providers.shared.temporary_names import temporary_path_for
from providers.shared.tree_walk import Folder, walk
from providers.webdav.listing import WebdavLister
from providers.webdav.writer import WebdavWriter, put_headers

_TEMP = f"{RESERVED}/tmp"  # noqa: S108 - below the root
MAX_SEGMENT = 255  # bytes; servers store their files in file systems


@error_boundary
class WebdavStorage:
    """The files below one URL of a WebDAV server."""

    keeps_at_commit = False
    capabilities = Capabilities(
        etags=True, pinned_reads=True, atomic_rename=True, long_round_trip=True
    )

    def __init__(
        self, client: HttpClient, url: str, where: str, on_close: OnClose = keep_open
    ) -> None:
        """Serve the files below `url`; `where` names it in messages."""
        self._client = client
        self._base = url.rstrip("/") + "/"
        self._where = where
        self._on_close = on_close
        self._files = HttpStorage(client, url)
        self._lister = WebdavLister(client, self._base, where)
        self._drop_folder = False  # only new files are allowed
        self._folders: set[str] = set()  # known to exist
        self._lock = threading.Lock()

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file, with one PROPFIND per folder: many servers refuse a whole tree."""
        yield from walk(Folder(prefix), self._lister, recursive=recursive)

    def leftovers(self) -> Iterator[Listed]:
        """Yield the temporary files that lie beside others."""
        return walk(Folder(""), self._lister, temporary=True)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file."""
        return self._lister.describe(check_path(path))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole, pinned to `etag`."""
        if etag is None:
            self.stat(path)  # the GET of a folder may return an HTML page
        return self._files.fetch(path, etag=etag)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> HttpReader:
        """Read a range, pinned to `etag`."""
        if etag is None:
            self.stat(path)
        return self._files.read(path, etag=etag, start=start, length=length)

    def check_name(self, path: str) -> None:
        """Refuse segments over 255 bytes, and control characters, which XML cannot carry."""
        check_path(path)
        if any(len(part.encode()) > MAX_SEGMENT for part in path.split("/")):
            raise NameNotAllowed(path, self._where, "a segment is longer than 255 bytes")
        if any(ord(one) < 32 for one in path):
            raise NameNotAllowed(path, self._where, "it contains control characters")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file: PUT, then MOVE."""
        self.check_name(path)
        temporary = self._temporary(path)
        try:
            headers = put_headers(attributes)
            url = self._url(temporary)
            reply = self._client.request("PUT", url, path=path, headers=headers, body=data)
            reply.expect(200, 201, 204).close()
            return self._publish(path, temporary, len(data))
        except BaseException:
            self.discard(temporary)
            raise

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> WebdavWriter:
        """Begin a PUT to a temporary name; chunked if the `size` is unknown."""
        self.check_name(path)
        return WebdavWriter(self, path, self._temporary(path), put_headers(attributes), size)

    def upload(self, temporary: str, headers: dict[str, str], size: int | None) -> Upload:
        """Open the PUT of a writer."""
        url = self._url(temporary)
        return self._client.upload("PUT", url, path=temporary, size=size, headers=headers)

    def finalize(self, path: str, temporary: str, size: int) -> Stored:
        """Check a temporary file's size, and rename it to its final name."""
        resource = self._lister.describe(temporary)
        if resource.size != size:
            raise SizeMismatch(path, size, resource.size or 0)
        return self._publish(path, temporary, size)

    def _publish(self, path: str, temporary: str, size: int) -> Stored:
        self._make_folders(path)
        reply = self._move_into_place(temporary, path)
        if reply.status in (404, 409):  # the folder was removed meanwhile
            reply.close()
            self._folders.clear()
            self._make_folders(path)
            reply = self._move_into_place(temporary, path)
        if reply.status == 412:
            reply.close()
            raise StorageError(f"{path!r} exists as a folder that contains files", path=path)
        reply.expect(200, 201, 204).close()
        stored = self._lister.describe(path)
        if stored.size != size:
            self._delete(path)
            raise SizeMismatch(path, size, stored.size or 0)
        return Stored(size, etag=stored.etag, modified_us=stored.modified_us)

    def discard(self, temporary: str) -> None:
        """Remove a temporary file; if that fails, it stays hidden.

        A server may not have noticed yet that its client disconnected, and still create the file:
        so retry for a moment while it does not exist.
        """
        with suppress(StorageError):
            for pause_s in (0.02, 0.05, 0.1, 0.2):
                if self._delete(temporary) != 404:
                    return
                time.sleep(pause_s)

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Copy the file into the history server-side."""
        path, kept = current.path, f"{HISTORY}/{key}"
        self._make_folders(kept)
        headers = {"Destination": self._url(kept), "Overwrite": "T", "Depth": "0"}
        reply = self._client.request("COPY", self._url(path), path=path, headers=headers)
        if reply.status == 404 and not self._lister.exists(path):
            reply.close()
            return KeepResult.GONE
        reply.expect(200, 201, 204).close()
        found = self._lister.describe(kept).size
        if found != current.size:
            raise SizeMismatch(path, current.size or 0, found or 0)
        return KeepResult.KEPT

    def remove(self, path: str) -> None:
        """Delete one file, never a folder: DELETE would remove all of its content."""
        try:
            self.stat(path)
        except ResourceNotFound:
            return
        self._delete(path)

    def close(self) -> None:
        """Release the connections."""
        self._on_close()

    def _delete(self, path: str) -> int:
        reply = self._client.request("DELETE", self._url(path), path=path).expect(200, 204, 404)
        reply.close()
        return reply.status

    def _temporary(self, path: str) -> str:
        """Return a new temporary name; next to the file if our folder cannot be created."""
        if not self._drop_folder:
            name = f"{_TEMP}/{uuid4().hex}"
            try:
                self._make_folders(name)
            except (AccessDenied, UnexpectedReply):
                self._drop_folder = True
            else:
                return name
        self._make_folders(path)
        return temporary_path_for(path)

    def _move_into_place(self, temporary: str, path: str) -> Response:
        """Rename a file without replacing a folder, which servers would remove with its content.

        So first try without overwriting; then overwrite a file, or remove an empty folder.
        """
        reply = self._move(temporary, path, "F")
        if reply.status != 412:
            return reply
        reply.close()
        if self._lister.is_folder(path):
            self._lister.remove_empty(path)
            return self._move(temporary, path, "F")
        return self._move(temporary, path, "T")

    def _move(self, origin: str, path: str, overwrite: str) -> Response:
        headers = {"Destination": self._url(path), "Overwrite": overwrite}
        return self._client.request("MOVE", self._url(origin), path=path, headers=headers)

    def _make_folders(self, path: str) -> None:
        """Create the root and the folders above `path`, unless they are known to exist."""
        folder = path.rpartition("/")[0]
        if folder in self._folders:
            return
        parts = folder.split("/") if folder else []
        with self._lock:  # some servers fail when two clients create a folder at once
            for count in range(len(parts) + 1):
                one = "/".join(parts[:count])
                if one not in self._folders and not self._lister.exists(one):
                    url = self._url(one) + "/"
                    reply = self._client.request("MKCOL", url, path=path)
                    reply.expect(200, 201, 405).close()  # 405: it exists by now
                self._folders.add(one)

    def _url(self, path: str) -> str:
        return self._lister.url(path)
