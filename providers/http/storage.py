"""A folder of a web server as a storage: walks pages and requests files in bounded threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from mimetypes import guess_type
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from catalog.errors import (
    AccessDenied,
    ResourceChanged,
    ResourceNotFound,
    UnexpectedReply,
)
from catalog.model.gap import Listed
from catalog.model.resource import Resource
from catalog.paths import check_path, is_below
from providers.base import Fetched
from providers.capabilities import Capabilities
from providers.connection import OnClose, keep_open
from providers.error_boundary import error_boundary
from providers.http.client import HttpClient, PendingResponse
from providers.http.directory_pages import HTML, HttpPages, PageEntryKind, content_type
from providers.http.reader import EMPTY, HttpReader, describe
from providers.http.response import Response, content_coding, decode_body
from providers.http.walk import DirectoryWalk
from providers.layouts.manifest_source import ManifestSource
from providers.shared.read_only import ReadOnly
from providers.shared.url import quote_path, redact_url


@error_boundary
class PendingFile:
    """A requested file."""

    __slots__ = ("_asked", "_finish")

    def __init__(self, asked: PendingResponse, finish: Callable[[Response], Fetched]) -> None:
        """Own the request; `finish` reads its reply."""
        self._asked, self._finish = asked, finish

    def fetch(self) -> Fetched:
        """Wait for the response and read it."""
        return self._finish(self._asked.response())

    def close(self) -> None:
        """Abandon the request."""
        self._asked.close()


@error_boundary
class HttpStorage(ReadOnly):
    """A folder of a web server; read-only."""

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
        """Serve the files below `url`; `targets` or a `manifest` replace its listing.

        `locate` returns the percent-encoded URL of a file that is not below `url`.
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
        self._pages = HttpPages(client, self._base, self._query)
        self._head_works: bool | None = None  # None: not tried yet

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield every file, and a gap for each page or file that cannot be read."""
        if self._manifest:
            yield from ManifestSource(self, self._manifest).enumerate(prefix, recursive=recursive)
        elif self._targets:
            wanted = [
                target for target in self._targets if _within(prefix, target, recursive=recursive)
            ]
            with ThreadPoolExecutor(self._threads, "http-listing") as pool:
                yield from self._stat_all(pool, wanted)
        else:
            yield from self._walk(prefix, recursive=recursive)

    def list_names(self, prefix: str = "") -> Iterator[Listed] | None:
        """List the pages' entries without requesting files; None if there are no pages."""
        if self._manifest or self._targets:
            return None
        try:
            first = self._pages.list_folder(prefix)
        except ResourceNotFound:
            return None
        return DirectoryWalk(self._pages, None, self._threads, recursive=True).run(prefix, first)

    def is_listed(self, path: str) -> bool:
        """Check again whether the folder's page lists a file; True if that is unknown."""
        return self._pages.is_listed(path, PageEntryKind.FILE)

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file, by HEAD if the server's HEAD agrees with its GET.

        That is tested with the first file: some servers refuse HEAD, or report another length.
        """
        url = self._url(path)
        if self._head_works is False:
            return self._head_of_get(path, url)
        with self._client.request("HEAD", url, path=path) as response:
            if response.status == 429 or (response.status >= 500 and response.status != 501):
                response.expect(200)  # that does not tell whether HEAD works
            head = describe(path, _check_file(response, url)) if response.status == 200 else None
        if head is not None and self._head_works and head.size:
            return head
        found = self._head_of_get(path, url)
        if head is None or (head.size, head.etag) != (found.size, found.etag):
            self._head_works = False
        elif self._head_works is None:
            self._head_works = True
        return found

    def _head_of_get(self, path: str, url: str) -> Resource:
        """Request the first byte: the headers of a GET are authoritative."""
        headers = {"Range": "bytes=0-0"}
        with self._client.request("GET", url, path=path, headers=headers) as response:
            if response.status == 416:  # an empty file has no first byte
                total = (response.header(b"content-range") or "").rpartition("/")[2]
                if total == "0":
                    return describe(path, _check_file(response, url), size=0)
            return describe(path, _check_file(response.expect(200, 206), url))

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a file whole, pinned to `etag`."""
        url = self._url(path)
        response = self._client.request("GET", url, path=path, headers=_pin_headers(etag))
        return self._read_whole(path, etag, url, response)

    def begin_fetch(self, path: str, *, etag: str | None = None) -> PendingFile | None:
        """Request a file without waiting; None if no connection is free."""
        url = self._url(path)
        asked = self._client.begin_get(url, path=path, headers=_pin_headers(etag))
        if asked is None:
            return None
        return PendingFile(asked, lambda response: self._read_whole(path, etag, url, response))

    def _read_whole(self, path: str, etag: str | None, url: str, response: Response) -> Fetched:
        _check_file(response.expect(200), url)
        resource = describe(path, response)
        if etag is not None and resource.etag != etag:
            response.close()
            raise _changed_error(path)
        coding = content_coding(path, response)
        if coding is None:
            data = response.read()
        else:
            data = b"".join(decode_body(path, response.stream(), coding))
        if resource.size is None:
            resource = describe(path, response, size=len(data))
        return Fetched(data, resource)

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> HttpReader:
        """Read from `start`; if the server ignores ranges, the bytes before are discarded."""
        headers = _pin_headers(etag)
        if length == 0:
            return HttpReader(EMPTY, self.stat(path), skip=0, length=0)
        if start or length is not None:
            last = "" if length is None else str(start + length - 1)
            headers["Range"] = f"bytes={start}-{last}"
        url = self._url(path)
        response = self._client.request("GET", url, path=path, headers=headers)
        if response.status == 416 and response.header(b"content-range") == f"bytes */{start}":
            response.close()
            return HttpReader(EMPTY, self.stat(path), skip=0, length=0)
        _check_file(response.expect(200, 206), url)
        try:
            resource = describe(path, response)
            if etag is not None and resource.etag != etag:
                raise _changed_error(path)
            skip = start
            if response.status == 206 and content_coding(path, response) is not None:
                response.close()  # a part of an encoded body is not a part of the file
                headers.pop("Range", None)
                response = self._client.request("GET", url, path=path, headers=headers)
                _check_file(response.expect(200), url)
            if response.status == 206:
                content_range = response.header(b"content-range") or ""
                if not content_range.startswith(f"bytes {start}-"):
                    raise UnexpectedReply(
                        f"{path!r}: requested bytes from {start:,}, got {content_range!r}",
                        path=path,
                    )
                skip = 0
        except BaseException:
            response.close()
            raise
        return HttpReader(response, resource, skip=skip, length=length)

    def close(self) -> None:
        """Release the connections."""
        self._on_close()

    def _url(self, path: str) -> str:
        if self._locate is not None:
            return self._locate(path)
        return self._base + quote_path(check_path(path)) + self._query

    def _walk(self, prefix: str, *, recursive: bool) -> Iterator[Listed]:
        """Walk the pages below `prefix`."""
        try:
            first = self._pages.list_folder(prefix)
        except ResourceNotFound:
            if not prefix:
                raise ResourceNotFound(
                    f"there is no directory listing at {redact_url(self._base)!r}: "
                    "list the files in the repository's targets"
                ) from None
            with suppress(ResourceNotFound):
                yield self.stat(prefix)
            return
        walk = DirectoryWalk(self._pages, self.stat, self._threads, recursive)
        yield from walk.run(prefix, first)

    def _stat_all(self, pool: ThreadPoolExecutor, paths: list[str]) -> Iterator[Resource]:
        """Return the metadata of explicitly listed files, which must all exist."""
        for start in range(0, len(paths), 64):
            yield from pool.map(self.stat, paths[start : start + 64])


def _pin_headers(etag: str | None) -> dict[str, str]:
    """Return the headers that request only this state of a file; weak etags cannot."""
    return {"If-Match": etag} if etag and not etag.startswith("W/") else {}


def _within(prefix: str, path: str, *, recursive: bool) -> bool:
    rest = path[len(prefix) + 1 if prefix else 0 :]
    return is_below(prefix, path) and (recursive or "/" not in rest)


def _check_file(response: Response, asked: str) -> Response:
    """Return the response, unless it was redirected from a folder's name to its page."""
    if response.url is not asked:
        place, question, query = asked.partition("?")
        if response.url == f"{place}/{question}{query}":
            response.close()
            raise ResourceNotFound(f"{response.path!r} is a folder", path=response.path)
        _refuse_login(response, place)
    return response


def _refuse_login(response: Response, place: str) -> None:
    """Refuse an HTML page under another name instead of the file: mostly a login form."""
    name = unquote(place.rpartition("/")[2])
    came = unquote(urlsplit(response.url).path.rpartition("/")[2])
    if content_type(response) in HTML and came != name and guess_type(name)[0] not in HTML:
        response.close()
        raise AccessDenied(
            f"{redact_url(place)!r} redirects to the page {redact_url(response.url)!r} instead of "
            "the file: check the credentials",
            path=response.path,
        )


def _changed_error(path: str) -> ResourceChanged:
    return ResourceChanged(f"{path!r} changed since it was planned", path=path)
