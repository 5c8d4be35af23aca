"""Gets and parses directory index pages of web servers."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from urllib.parse import unquote, urlsplit

from catalog.errors import ResourceNotFound, StorageError, UnexpectedReply
from providers.http.client import HttpClient
from providers.http.index_parser import IndexEntry, parse_index
from providers.http.response import Response, content_coding, decode_body
from providers.shared.url import quote_path, redact_url

MAX_PAGE = 256 * 2**20  # bytes
HTML = ("text/html", "application/xhtml+xml")


class PageEntryKind(Enum):
    """A kind of entry on a page."""

    FILE = "file"
    FOLDER = "folder"


class HttpPages:
    """The index pages below one URL."""

    def __init__(self, client: HttpClient, base: str, query: str) -> None:
        """Get pages below `base`, which ends in a slash, each with `query`."""
        self._client, self._base, self._query = client, base, query

    def list_folder(self, folder: str) -> list[IndexEntry]:
        """Return the entries on the page of a folder.

        Raises:
            ResourceNotFound: there is no such page.
            UnexpectedReply: the page is not a directory listing, or one of another folder.
        """
        place = self._base + quote_path(folder) + ("/" if folder else "")
        with self._client.get(place + self._query, path=folder) as response:
            _check_address(response, place, folder)
            kind = content_type(response)
            if kind not in (*HTML, "application/json"):
                raise UnexpectedReply(
                    f"{redact_url(place)!r} is not a directory listing: its type is {kind!r}",
                    path=folder,
                )
            text = read_page(response, folder).decode("utf-8", "replace")
        try:
            return parse_index(text, response.url.partition("?")[0])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnexpectedReply(
                f"{redact_url(place)!r} is not a directory listing", path=folder
            ) from error

    def is_listed(self, path: str, kind: PageEntryKind) -> bool:
        """Check again whether the parent's page lists a path; True if that is unknown."""
        parent, _, name = path.rpartition("/")
        try:
            entries = self.list_folder(parent)
        except StorageError as error:
            return not isinstance(error, ResourceNotFound)
        return any(
            (entry.name, entry.folder) == (name, kind is PageEntryKind.FOLDER) for entry in entries
        )


def content_type(response: Response) -> str:
    """Return the media type of a response, in lower case and without parameters."""
    return (response.header(b"content-type") or "").partition(";")[0].strip().lower()


def _check_address(response: Response, asked: str, folder: str) -> None:
    """Refuse the page of another folder than the requested one, such as a login form."""
    came, wanted = (unquote(urlsplit(one).path).rstrip("/") for one in (response.url, asked))
    if came != wanted:
        raise UnexpectedReply(
            f"{redact_url(asked)!r} redirects to the different page {redact_url(response.url)!r}: "
            "check the credentials, or use that address if it is the right one",
            path=folder,
        )


def read_page(response: Response, folder: str, limit: int = MAX_PAGE) -> bytes:
    """Read a page of at most `limit` bytes, decoding its Content-Encoding."""
    coding = content_coding(folder, response)
    pieces: Iterator[memoryview | bytes] = response.stream()
    if coding is not None:
        pieces = decode_body(folder, response.stream(), coding)
    text = bytearray()
    for piece in pieces:
        text += piece
        if len(text) > limit:
            why = f"the page {redact_url(response.url)!r} is larger than {limit:,} bytes"
            raise UnexpectedReply(why, path=folder)
    return bytes(text)
