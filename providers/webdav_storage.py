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

from catalog.digest import Digest
from catalog.errors import (
    NameNotAllowed,
    ResourceNotFound,
    SizeMismatch,
    StorageError,
    UnexpectedReply,
)
from catalog.paths import RESERVED, check_path
from catalog.resource import Resource
from providers.base import Attributes, Capabilities, Chunk, Fetched, Stored
from providers.connection import OnClose, keep_open
from providers.http_client import HttpClient
from providers.http_reading import HttpReading
from providers.http_response import Response, Upload
from providers.http_storage import HttpStorage
from providers.keeping import HISTORY, Kept
from providers.url import quote_path
from providers.webdav_reply import QUESTION, DavEntry, parse_multistatus

_TEMP = f"{RESERVED}/tmp"  # noqa: S108 - below the root
_LONGEST_SEGMENT = 255  # bytes; every server keeps its files in a file system


class WebdavStorage:
    """What lies below one URL of a WebDAV server."""

    keeps_late = False
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
        self._folders: set[str] = set()  # known to exist
        self._lock = threading.Lock()

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Resource]:
        """Yield every file, one PROPFIND a folder: many servers refuse a whole tree at once."""
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                entries = self._propfind(folder, depth="1")
            except ResourceNotFound:
                if not folder:
                    raise
                continue  # not there, or gone since its parent was listed
            for entry in entries:
                if entry.path == RESERVED:
                    continue
                if not entry.folder:
                    yield entry.resource(check_path(entry.path))
                elif recursive and entry.path != folder:
                    folders.append(entry.path)

    def stat(self, path: str) -> Resource:
        """Describe one file."""
        return self._look(check_path(path))

    def _look(self, path: str) -> Resource:
        for entry in self._propfind(path, depth="0"):
            if entry.path == path and not entry.folder:
                return entry.resource(path)
        raise ResourceNotFound(f"{self._where} has no file {path!r}", path=path)

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
        if any(len(part.encode()) > _LONGEST_SEGMENT for part in path.split("/")):
            raise NameNotAllowed(path, self._where, "a segment is over 255 bytes")
        if any(ord(one) < 32 for one in path):
            raise NameNotAllowed(path, self._where, "it has control characters")

    def put(self, path: str, data: bytes, attributes: Attributes) -> Stored:
        """Write a small file: PUT, then MOVE."""
        self.check_name(path)
        temporary = self._temporary()
        try:
            headers = _headers(attributes)
            url = self._url(temporary)
            reply = self._client.request("PUT", url, path=path, headers=headers, body=data)
            reply.expect(200, 201, 204).close()
            return self._show(path, temporary, len(data))
        except BaseException:
            self.discard(temporary)
            raise

    def write(self, path: str, attributes: Attributes, *, size: int | None = None) -> WebdavWriter:
        """Begin a PUT to a temporary name; without a known `size` it goes in chunks."""
        self.check_name(path)
        return WebdavWriter(self, path, self._temporary(), _headers(attributes), size)

    def upload(self, temporary: str, headers: dict[str, str], size: int | None) -> Upload:
        """Open the PUT of a writer."""
        url = self._url(temporary)
        return self._client.upload("PUT", url, path=temporary, size=size, headers=headers)

    def settle(self, path: str, temporary: str, size: int) -> Stored:
        """Make sure of a temporary file's size, and give it its final name."""
        resource = self._look(temporary)
        if resource.size != size:
            raise SizeMismatch(path, size, resource.size or 0)
        return self._show(path, temporary, size)

    def _show(self, path: str, temporary: str, size: int) -> Stored:
        self._make_folders(path)
        reply = self._move(temporary, path)
        if reply.status in (404, 409):  # somebody removed the folder that we knew
            reply.close()
            self._folders.clear()
            self._make_folders(path)
            reply = self._move(temporary, path)
        reply.expect(200, 201, 204).close()
        stored = self._look(path)
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

    def keep(self, standing: Resource, key: str) -> Kept:
        """Let the server copy the file into the history."""
        path, kept = standing.path, f"{HISTORY}/{key}"
        self._make_folders(kept)
        headers = {"Destination": self._url(kept), "Overwrite": "T", "Depth": "0"}
        reply = self._client.request("COPY", self._url(path), path=path, headers=headers)
        if reply.status == 404 and not self._exists(path):
            reply.close()
            return Kept.GONE
        reply.expect(200, 201, 204).close()
        found = self._look(kept).size
        if found != standing.size:
            raise SizeMismatch(path, standing.size or 0, found or 0)
        return Kept.KEPT

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

    def _temporary(self) -> str:
        name = f"{_TEMP}/{uuid4().hex}"
        self._make_folders(name)
        return name

    def _move(self, path: str, to: str) -> Response:
        headers = {"Destination": self._url(to), "Overwrite": "T"}
        return self._client.request("MOVE", self._url(path), path=to, headers=headers)

    def _make_folders(self, path: str) -> None:
        """Make the folders above `path`, and the root itself, where they are not known to be."""
        folder = path.rpartition("/")[0]
        if folder in self._folders:
            return
        parts = folder.split("/") if folder else []
        with self._lock:  # some servers fail when two clients make one folder at once
            for count in range(len(parts) + 1):
                one = "/".join(parts[:count])
                if one not in self._folders and not self._exists(one):
                    url = self._url(one) + "/"
                    reply = self._client.request("MKCOL", url, path=path)
                    reply.expect(200, 201, 405).close()  # 405: it is there by now
                self._folders.add(one)

    def _exists(self, path: str) -> bool:
        try:
            self._propfind(path, depth="0")
        except ResourceNotFound:
            return False
        return True

    def _propfind(self, path: str, *, depth: str) -> list[DavEntry]:
        url = self._url(path) if path else self._base
        headers = {"Depth": depth, "Content-Type": "application/xml"}
        reply = self._client.request("PROPFIND", url, path=path, headers=headers, body=QUESTION)
        text = reply.expect(207).read()
        try:
            return parse_multistatus(text, self._base)
        except ValueError as error:
            raise UnexpectedReply(f"{self._where} does not speak WebDAV: {error}") from error

    def _url(self, path: str) -> str:
        return (self._base + quote_path(path)) if path else self._base.rstrip("/")


class WebdavWriter:
    """A PUT under way; it begins with the first bytes."""

    def __init__(
        self,
        storage: WebdavStorage,
        path: str,
        temporary: str,
        headers: dict[str, str],
        size: int | None,
    ) -> None:
        """Write to `temporary`, show as `path`."""
        self._storage, self._path, self._temporary = storage, path, temporary
        self._headers, self._size = headers, size
        self._upload: Upload | None = None
        self._done = 0
        self._ended = False

    def write(self, chunk: Chunk) -> None:
        """Send the next bytes."""
        self._begun().send(chunk)
        self._done += len(chunk)

    def commit(self, digest: Digest) -> Stored:  # noqa: ARG002 - the server cannot check it
        """End the PUT and give the file its name."""
        self._begun().finish().expect(200, 201, 204).close()
        stored = self._storage.settle(self._path, self._temporary, self._done)
        self._ended = True
        return stored

    def abort(self) -> None:
        """Hang up and remove what came through."""
        upload, self._upload = self._upload, None
        if upload is None or self._ended:
            return
        self._ended = True
        upload.close()
        self._storage.discard(self._temporary)

    def _begun(self) -> Upload:
        if self._upload is None:
            self._upload = self._storage.upload(self._temporary, self._headers, self._size)
        return self._upload


def _headers(attributes: Attributes) -> dict[str, str]:
    headers = {"Content-Type": attributes.content_type or "application/octet-stream"}
    if attributes.modified_us is not None:  # Nextcloud and ownCloud keep it, others pass it over
        headers["X-OC-MTime"] = str(attributes.modified_us // 1_000_000)
    return headers
