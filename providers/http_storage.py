"""Files of a web server as a storage: pages walked and files asked for by bounded threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from pydantic import SecretStr

from catalog.errors import (
    ResourceChanged,
    ResourceNotFound,
    UnexpectedReply,
)
from catalog.paths import below
from catalog.resource import Resource
from providers.base import Capabilities, Fetched
from providers.connection import OnClose, keep_open
from providers.http_client import Asked, HttpClient
from providers.http_index import IndexEntry, parse_index
from providers.http_reading import EMPTY, HttpReading, describe
from providers.http_response import Response
from providers.http_walk import Walk
from providers.manifest_source import ManifestSource
from providers.read_only import ReadOnly
from providers.url import quote_path, shown

LARGEST_PAGE = 256 * 2**20  # bytes


class AskedFile:
    """A file whose request was sent."""

    __slots__ = ("_asked", "_finish")

    def __init__(self, asked: Asked, finish: Callable[[Response], Fetched]) -> None:
        """Own the request; `finish` reads its reply."""
        self._asked, self._finish = asked, finish

    def fetch(self) -> Fetched:
        """Wait for the reply and read it."""
        return self._finish(self._asked.response())

    def close(self) -> None:
        """Give the request up."""
        self._asked.close()


class HttpStorage(ReadOnly):
    """A folder of a web server; read only."""

    kind = "a web server"
    capabilities = Capabilities(
        writable=False,
        tree=True,
        etags=True,
        pinned_reads=True,
        digests=("sha256", "sha512", "md5"),
        long_round_trip=True,
    )

    def __init__(
        self,
        client: HttpClient,
        url: str,
        *,
        query: SecretStr | None = None,
        targets: tuple[str, ...] = (),
        manifest: str = "",
        threads: int = 16,
        locate: Callable[[str], str] | None = None,
        on_close: OnClose = keep_open,
    ) -> None:
        """Serve what lies below `url`; `targets` or a `manifest` take the place of its listing.

        `locate` returns the URL of a file, percent-encoded, where that is not below `url`.
        """
        self._client = client
        self._base = url.rstrip("/") + "/"
        text = query.get_secret_value() if query is not None else ""
        self._query = "?" + text if text else ""
        self._targets = targets
        self._manifest = manifest
        self._threads = threads
        self._locate = locate
        self._on_close = on_close

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Resource]:
        """Yield every file; a page or a file that cannot be read is an error, never a gap."""
        if self._manifest:
            yield from ManifestSource(self, self._manifest).enumerate(prefix, recursive=recursive)
        elif self._targets:
            wanted = [one for one in self._targets if _within(prefix, one, recursive=recursive)]
            with ThreadPoolExecutor(self._threads, "http-listing") as pool:
                yield from self._all(pool, wanted)
        else:
            yield from self._walk(prefix, recursive=recursive)

    def sketch(self, prefix: str = "") -> Iterator[Resource] | None:
        """List what the pages say and ask for no file; None where there are no pages to read."""
        if self._manifest or self._targets:
            return None
        first = self._page(prefix)
        if first is None:
            return None
        return Walk(self._page, None, self._threads, recursive=True).below(prefix, first)

    def stat(self, path: str) -> Resource:
        """Describe one file."""
        url = self._url(path)
        with self._client.request("HEAD", url, path=path) as response:
            if response.status not in (405, 501):
                return describe(path, _file(response.expect(200), url))
        # Some servers know no HEAD: take the head of a GET and hang up.
        with self._client.get(url, path=path) as response:
            return describe(path, _file(response, url))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole, pinned to `etag`."""
        url = self._url(path)
        response = self._client.request("GET", url, path=path, headers=_pinned(etag))
        return self._fetched(path, etag, url, response)

    def ask(self, path: str, *, etag: str | None = None) -> AskedFile | None:
        """Send the request for a file now; None where that would have to wait."""
        url = self._url(path)
        asked = self._client.ask(url, path=path, headers=_pinned(etag))
        if asked is None:
            return None
        return AskedFile(asked, lambda response: self._fetched(path, etag, url, response))

    def _fetched(self, path: str, etag: str | None, url: str, response: Response) -> Fetched:
        _file(response.expect(200), url)
        resource = describe(path, response)
        if etag is not None and resource.etag != etag:
            response.close()
            raise _changed(path)
        data = response.read()
        if resource.size is None:
            resource = describe(path, response, size=len(data))
        return Fetched(data, resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> HttpReading:
        """Read from `start`; where the server knows no ranges, what is before is thrown away."""
        headers = _pinned(etag)
        if length == 0:
            return HttpReading(EMPTY, self.stat(path), skip=0, length=0)
        if start or length is not None:
            last = "" if length is None else str(start + length - 1)
            headers["Range"] = f"bytes={start}-{last}"
        url = self._url(path)
        response = self._client.request("GET", url, path=path, headers=headers)
        if response.status == 416 and response.header(b"content-range") == f"bytes */{start}":
            response.close()
            return HttpReading(EMPTY, self.stat(path), skip=0, length=0)
        _file(response.expect(200, 206), url)
        try:
            resource = describe(path, response)
            if etag is not None and resource.etag != etag:
                raise _changed(path)
            skip = start
            if response.status == 206:
                said = response.header(b"content-range") or ""
                if not said.startswith(f"bytes {start}-"):
                    raise UnexpectedReply(f"asked for bytes from {start}, got {said!r}", path=path)
                skip = 0
        except BaseException:
            response.close()
            raise
        return HttpReading(response, resource, skip=skip, length=length)

    def close(self) -> None:
        """Let go of the connections."""
        self._on_close()

    def _url(self, path: str) -> str:
        if self._locate is not None:
            return self._locate(path)
        return self._base + quote_path(path) + self._query

    def _walk(self, prefix: str, *, recursive: bool) -> Iterator[Resource]:
        """Walk the pages below `prefix`: complete, or an error."""
        first = self._page(prefix)
        if first is None:
            if not prefix:
                raise ResourceNotFound(
                    f"there is no listing at {shown(self._base)!r}; "
                    "name single files as the repository's targets"
                )
            try:
                yield self.stat(prefix)
            except ResourceNotFound:
                return
            return
        walk = Walk(self._page, self.stat, self._threads, recursive)
        yield from walk.below(prefix, first)

    def _all(self, pool: ThreadPoolExecutor, paths: list[str]) -> Iterator[Resource]:
        """Describe files that were asked for by name: each must be there."""
        for start in range(0, len(paths), 64):
            yield from pool.map(self.stat, paths[start : start + 64])

    def _page(self, folder: str) -> list[IndexEntry] | None:
        """Return what the page of `folder` lists; None where there is no such page."""
        place = self._base + quote_path(folder) + ("/" if folder else "")
        try:
            response = self._client.get(place + self._query, path=folder)
        except ResourceNotFound:
            return None
        with response:
            kind = (response.header(b"content-type") or "").partition(";")[0].strip().lower()
            if kind not in ("text/html", "application/xhtml+xml", "application/json"):
                raise UnexpectedReply(
                    f"{shown(place)!r} is no directory page: its type is {kind!r}", path=folder
                )
            if (response.length or 0) > LARGEST_PAGE:
                raise UnexpectedReply(f"the page {shown(place)!r} is too long", path=folder)
            text = response.read().decode("utf-8", "replace")
        try:
            return parse_index(text, response.url.partition("?")[0])
        except (ValueError, KeyError, TypeError) as error:
            raise UnexpectedReply(f"{shown(place)!r} is no directory page", path=folder) from error


def _pinned(etag: str | None) -> dict[str, str]:
    """Return the headers that ask for this state of a file alone; a weak etag cannot."""
    return {"If-Match": etag} if etag and not etag.startswith("W/") else {}


def _within(prefix: str, path: str, *, recursive: bool) -> bool:
    rest = path[len(prefix) + 1 if prefix else 0 :]
    return below(prefix, path) and (recursive or "/" not in rest)


def _file(response: Response, asked: str) -> Response:
    """Return the reply unless the server led us from a folder's name to its page."""
    if response.url is not asked:
        place, question, query = asked.partition("?")
        if response.url == f"{place}/{question}{query}":
            response.close()
            raise ResourceNotFound(f"{response.path!r} is a folder", path=response.path)
    return response


def _changed(path: str) -> ResourceChanged:
    return ResourceChanged(f"{path!r} is no longer the file that was planned", path=path)
