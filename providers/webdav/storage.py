"""A WebDAV folder as a storage: PROPFIND lists, PUT writes a temporary name, MOVE shows it.

The bytes go through our own HTTP client rather than webdav4, which strips spaces off names and
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
from providers.http.reading import HttpReading
from providers.http.response import Response, Upload
from providers.http.storage import HttpStorage
from providers.interfaces.history import HISTORY, KeepResult
from providers.shared.temporary_names import temporary_path_for
from providers.shared.tree_walk import Folder, walk
from providers.webdav.listing import WebdavLister
from providers.webdav.writer import WebdavWriter, put_headers

_TEMP = f"{RESERVED}/tmp"  # noqa: S108 - below the root
MAX_SEGMENT = 255  # bytes; every server keeps its files in a file system


@error_boundary
class WebdavStorage:
    """What lies below one URL of a WebDAV server."""

    keeps_at_commit = False
    capabilities = Capabilities(
        etags=True, pinned_reads=True, atomic_rename=True, long_round_trip=True
    )

    def __init__(
        self, client: HttpClient, url: str, where: str, on_close: OnClose = keep_open
    ) -> None:
        """Serve what lies below `url`; `where` names it in messages."""
        self._client = client
        self._base = url.rstrip("/") + "/"
        self._where = where
        self._on_close = on_close
        self._files = HttpStorage(client, url)
        self._lister = WebdavLister(client, self._base, where)
        self._drop_folder = False  # it allows nothing but new files
        self._folders: set[str] = set()  # known to exist
        self._lock = threading.Lock()

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file, one PROPFIND a folder: many servers refuse a whole tree at once."""
        yield from walk(Folder(prefix), self._lister, recursive=recursive)

    def leftovers(self) -> Iterator[Listed]:
        """Yield the temporary files that lie beside others."""
        return walk(Folder(""), self._lister, temporary=True)

    def stat(self, path: str) -> Resource:
        """Describe one file."""
        return self._lister.describe(check_path(path))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole, pinned to `etag`."""
        if etag is None:
            self.stat(path)  # a GET of a folder may answer with a page about it
        return self._files.fetch(path, etag=etag)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> HttpReading:
        """Read a range, pinned to `etag`."""
        if etag is None:
            self.stat(path)
        return self._files.read(path, etag=etag, start=start, length=length)

    def check_name(self, path: str) -> None:
        """Refuse segments over 255 bytes, and control characters, which XML cannot carry."""
        check_path(path)
        if any(len(part.encode()) > MAX_SEGMENT for part in path.split("/")):
            raise NameNotAllowed(path, self._where, "a segment is over 255 bytes")
        if any(ord(one) < 32 for one in path):
            raise NameNotAllowed(path, self._where, "it has control characters")

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
        """Begin a PUT to a temporary name; without a known `size` it goes in chunks."""
        self.check_name(path)
        return WebdavWriter(self, path, self._temporary(path), put_headers(attributes), size)

    def upload(self, temporary: str, headers: dict[str, str], size: int | None) -> Upload:
        """Open the PUT of a writer."""
        url = self._url(temporary)
        return self._client.upload("PUT", url, path=temporary, size=size, headers=headers)

    def finalize(self, path: str, temporary: str, size: int) -> Stored:
        """Make sure of a temporary file's size, and give it its final name."""
        resource = self._lister.describe(temporary)
        if resource.size != size:
            raise SizeMismatch(path, size, resource.size or 0)
        return self._publish(path, temporary, size)

    def _publish(self, path: str, temporary: str, size: int) -> Stored:
        self._make_folders(path)
        reply = self._move_into_place(temporary, path)
        if reply.status in (404, 409):  # somebody removed the folder that we knew
            reply.close()
            self._folders.clear()
            self._make_folders(path)
            reply = self._move_into_place(temporary, path)
        if reply.status == 412:
            reply.close()
            raise StorageError(f"{path!r} is already there as a folder with files", path=path)
        reply.expect(200, 201, 204).close()
        stored = self._lister.describe(path)
        if stored.size != size:
            self._delete(path)
            raise SizeMismatch(path, size, stored.size or 0)
        return Stored(size, etag=stored.etag, modified_us=stored.modified_us)

    def discard(self, temporary: str) -> None:
        """Remove a temporary file; where even that fails, it stays hidden.

        A server may not yet have noticed that its writer hung up, and make the file just now:
        so absence is believed only after a moment.
        """
        with suppress(StorageError):
            for pause_s in (0.02, 0.05, 0.1, 0.2):
                if self._delete(temporary) != 404:
                    return
                time.sleep(pause_s)

    def keep(self, current: Resource, key: str) -> KeepResult:
        """Let the server copy the file into the history."""
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
        """Delete one file; absent is fine. Never a folder: DELETE would take all that is in it."""
        try:
            self.stat(path)
        except ResourceNotFound:
            return
        self._delete(path)

    def close(self) -> None:
        """Let go of the connections."""
        self._on_close()

    def _delete(self, path: str) -> int:
        reply = self._client.request("DELETE", self._url(path), path=path).expect(200, 204, 404)
        reply.close()
        return reply.status

    def _temporary(self, path: str) -> str:
        """Return a new temporary name; beside the file where no folder of ours can be made."""
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
        """Give a file its name. A server that overwrites takes a folder away with all its files.

        So it is first asked not to; only a file is overwritten, and an empty folder removed.
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
        """Make the folders above `path`, and the root itself, where they are not known to be."""
        folder = path.rpartition("/")[0]
        if folder in self._folders:
            return
        parts = folder.split("/") if folder else []
        with self._lock:  # some servers fail when two clients make one folder at once
            for count in range(len(parts) + 1):
                one = "/".join(parts[:count])
                if one not in self._folders and not self._lister.exists(one):
                    url = self._url(one) + "/"
                    reply = self._client.request("MKCOL", url, path=path)
                    reply.expect(200, 201, 405).close()  # 405: it is there by now
                self._folders.add(one)

    def _url(self, path: str) -> str:
        return self._lister.url(path)
