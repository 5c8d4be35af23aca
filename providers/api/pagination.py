"""Pagination of an API: by a link in the page or in its headers, or by page number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from catalog.errors import UnexpectedReply
from catalog.model.gap import Gap
from providers.api.entries import Entry, Fields, compile_expression
from providers.http.client import HttpClient
from providers.http.directory_pages import read_page
from providers.http.response import Response
from providers.shared.url import redact_url

MAX_PAGE = 64 * 2**20  # bytes
_NEXT = re.compile(r"<([^>]*)>[^,]*;\s*rel=\"?next\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paging:
    """How to get from one page to the next.

    `next` is a JMESPath expression for the next URL, or for the value of the query parameter
    `next_parameter`. `page_parameter` counts pages from `first_page` until one is empty. Without
    any of these, the `Link` header (RFC 8288) is used.
    """

    next: str = ""
    next_parameter: str = ""
    page_parameter: str = ""
    first_page: int = 1


def pages(client: HttpClient, url: str, fields: Fields, paging: Paging) -> Iterator[Entry | Gap]:
    """Yield every entry of every page.

    Raises:
        UnexpectedReply: a page is invalid, or pages form a loop.
    """
    number = paging.first_page
    here = with_parameter(url, paging.page_parameter, str(number)) if paging.page_parameter else url
    seen: set[str] = set()
    while True:
        if here in seen:
            raise UnexpectedReply(f"the pages of {redact_url(url)!r} form a loop")
        seen.add(here)
        page, link = _get_page(client, here)
        found = 0
        for entry in fields.entries(page, here):
            found += 1
            yield entry
        if paging.page_parameter:
            if not found:
                return
            number += 1
            here = with_parameter(url, paging.page_parameter, str(number))
            continue
        following = _next_page(page, here, url, paging) if paging.next else link
        if following is None:
            return
        here = urljoin(here, following)


def with_parameter(url: str, name: str, value: str) -> str:
    """Return a URL with one parameter of its query set.

    >>> with_parameter("https://x/a?b=1&page=1", "page", "2")
    'https://x/a?b=1&page=2'
    """
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*query, (name, value)])))


def _get_page(client: HttpClient, url: str) -> tuple[Any, str | None]:
    """Return a page's content, and the next URL in its Link header."""
    with client.get(url, path="", headers={"Accept": "application/json"}) as response:
        text = read_page(response, "", MAX_PAGE)
        link = _link(response)
    try:
        return json.loads(text), link
    except ValueError as error:
        raise UnexpectedReply(f"{redact_url(url)!r} is not JSON: {error}") from error


def _link(response: Response) -> str | None:
    found = _NEXT.search(response.header(b"link") or "")
    return found[1] if found else None


def _next_page(page: Any, here: str, first: str, paging: Paging) -> str | None:  # noqa: ANN401 - JSON
    value = compile_expression(paging.next).search(page)
    if value is None or value == "" or value is False:
        return None
    if not isinstance(value, str | int):
        kind = type(value).__name__
        raise UnexpectedReply(
            f"expected text at {paging.next!r} in {redact_url(here)!r}, found {kind}"
        )
    if paging.next_parameter:
        return with_parameter(first, paging.next_parameter, str(value))
    return str(value)
