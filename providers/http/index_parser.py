"""Parses directory index pages of nginx, Apache, lighttpd, Caddy and Python's http.server.

>>> page = '<a href="../">..</a> <a href="?C=N">Name</a> <a href="b%20c">b c</a> <a href="d/">d</a>'
>>> [(one.name, one.folder) for one in parse_index(page, "http://host/a/")]
[('b c', False), ('d', True)]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

# nginx shows the size after the link, 20 or 8 characters wide and last in its line. Digits alone
# are exact: rounded sizes end in K, M or G. The widths distinguish it from Apache's old pages,
# which may have a description made of digits in the same position.
_SIZE = re.compile(
    r">[^<>]{0,512}</a> +\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d"
    r"(?=(?:[ \d]{8}|[ \d]{20})\r?\n) +(\d+)"
)
# A plain name: nothing to resolve, unescape or strip.
_CHILD = re.compile(r"[^\x00-\x20:/?#&.][^\x00-\x20:/?#&]*/?")
_HREF = re.compile(r"""<a\s[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A direct child of a page; `size` in bytes if the page has it exactly."""

    name: str
    folder: bool
    size: int | None = None


def parse_index(text: str, page_url: str) -> list[IndexEntry]:
    """Return the direct children that an HTML or JSON page lists, without duplicates."""
    json_page = text.lstrip().startswith("[")
    found = _from_json(json.loads(text)) if json_page else _from_html(text, page_url)
    return list({(one.name, one.folder): one for one in found}.values())


def _from_json(items: list[dict[str, Any]]) -> Iterator[IndexEntry]:
    for item in items:
        name = str(item["name"])
        folder = bool(item.get("is_dir")) or item.get("type") == "directory"
        size = item.get("size")
        exact = size if isinstance(size, int) and not folder else None
        yield IndexEntry(name.removesuffix("/") if folder else name, folder, exact)


def _from_html(text: str, page_url: str) -> Iterator[IndexEntry]:
    page = urlsplit(page_url)
    base = page.path.rpartition("/")[0] + "/"
    depth = base.count("/")
    above = [unquote(part) for part in base.split("/")[:-1]]
    for match in _HREF.finditer(text):
        raw = match[1] or match[2] or match[3] or ""
        if _CHILD.fullmatch(raw):
            folder = raw[-1] == "/"
            name = unquote(raw[:-1] if folder else raw, errors="surrogateescape")
            yield IndexEntry(name, folder, None if folder else _exact_size(text, match.end()))
            continue
        href = unescape(raw).strip()
        if not href or href[0] in "?#":
            continue
        try:
            target = urlsplit(urljoin(page_url, href))
        except ValueError:
            continue  # an invalid URL such as `http://[`
        if (target.scheme, target.netloc) != (page.scheme, page.netloc) or target.query:
            continue
        parts = target.path.split("/")
        folder = parts[-1] == ""
        names = parts[:-1] if folder else parts
        if len(names) != depth + 1 or [unquote(one) for one in names[:-1]] != above:
            continue
        name = unquote(names[-1], errors="surrogateescape")
        if name:
            yield IndexEntry(name, folder, None if folder else _exact_size(text, match.end()))


def _exact_size(text: str, start: int) -> int | None:
    """Read the size after the link whose address ends at `start`."""
    found = _SIZE.match(text, start)
    return int(found[1]) if found else None
