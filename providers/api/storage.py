"""The files that an API lists as a read-only storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from catalog.errors import ResourceChanged
from catalog.model.gap import Gap, Listed
from catalog.model.resource import Resource
from catalog.paths import check_path, is_below
from providers.api.entries import Entry
from providers.api.index import ApiIndex
from providers.base import Fetched
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.http.client import HttpClient
from providers.http.reader import HttpReader
from providers.http.storage import HttpStorage
from providers.shared.read_only import ReadOnly


@error_boundary
class ApiReader:
    """A reader described as in the listing."""

    def __init__(self, inner: HttpReader, resource: Resource) -> None:
        """Wrap a reader."""
        self.resource = resource
        self._inner = inner

    def __iter__(self) -> Iterator[memoryview]:
        """Yield the bytes; each chunk is valid until the next one."""
        return iter(self._inner)

    def close(self) -> None:
        """Free the connection."""
        self._inner.close()


@error_boundary
class ApiStorage(ReadOnly):
    """The files that an API lists; read-only.

    Credentials are sent to the API's own origin only: files elsewhere are requested without.
    """

    kind = "an API"

    def __init__(
        self,
        listing: Callable[[], Iterator[Entry | Gap]],
        index: ApiIndex,
        client: HttpClient,
        url: str,
        *,
        folder: str = "",
        sizes: bool = False,
        etags: bool = False,
        on_close: OnClose = keep_open,
    ) -> None:
        """Serve the files that `listing` yields, with a client whose home is the API.

        `sizes` and `etags` state whether the listing contains them.
        """
        self.capabilities = Capabilities(
            writable=False,
            tree=False,
            sizes=sizes,
            etags=etags,
            digests=("sha256", "sha512", "sha384", "sha224", "sha1", "md5"),
            long_round_trip=True,
        )
        self._listing, self._index, self._folder = listing, index, folder
        self._files = HttpStorage(client, url, locate=lambda path: self._entry(path).url)
        self._on_close = on_close

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file of every page, and a gap for each invalid entry."""
        wanted = f"{self._folder}/{prefix}".strip("/")
        start = len(self._folder) + 1 if self._folder else 0
        for entry in self._list_files():
            if isinstance(entry, Gap):
                if entry.overlaps(wanted):
                    yield replace(entry, path=entry.path[start:])
                continue
            if not is_below(wanted, entry.path) or (self._folder and entry.path == self._folder):
                continue
            path = entry.path[start:]
            rest = path[len(prefix) + 1 if prefix else 0 :]
            if recursive or "/" not in rest:
                yield replace(entry, path=path)

    def stat(self, path: str) -> Resource:
        """Return a file's metadata from the listing."""
        return replace(self._entry(path).resource, path=path)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole; its size is the number of bytes received."""
        resource = self._check_etag(path, etag)
        fetched = self._files.fetch(path)
        resource = _merge_reply(resource, fetched.resource)
        return Fetched(fetched.data, replace(resource, size=len(fetched.data)))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> ApiReader:
        """Read from `start`; if the server ignores ranges, the bytes before are discarded."""
        resource = self._check_etag(path, etag)
        reader = self._files.read(path, start=start, length=length)
        return ApiReader(reader, _merge_reply(resource, reader.resource))

    def close(self) -> None:
        """Release the connections."""
        self._on_close()

    def _list_files(self) -> Iterator[Listed]:
        return self._index.fill(self._listing())

    def _entry(self, path: str) -> Entry:
        key = f"{self._folder}/{check_path(path)}" if self._folder else check_path(path)
        return self._index.entry(key, self._list_files)

    def _check_etag(self, path: str, etag: str | None) -> Resource:
        resource = replace(self._entry(path).resource, path=path)
        if etag is not None and resource.etag != etag:
            raise ResourceChanged(f"{path!r} changed since it was planned", path=path)
        return resource


def _merge_reply(listed: Resource, reply: Resource) -> Resource:
    """Return the listed metadata, completed from the response."""
    return replace(
        listed,
        size=reply.size if reply.size is not None else listed.size,
        modified_us=listed.modified_us if listed.modified_us is not None else reply.modified_us,
        digests=listed.digests or reply.digests,
        content_type=listed.content_type or reply.content_type,
    )
