"""Reads file entries from an API's JSON pages with JMESPath expressions.

>>> fields = Fields(items="results[]", name="title", link="links.file", size="bytes")
>>> page = {"results": [{"title": "a", "links": {"file": "/f/1"}, "bytes": 3}]}
>>> [(one.resource.path, one.url, one.resource.size) for one in fields.entries(page, "https://x/v1")]
[('a', 'https://x/f/1', 3)]

JMESPath: https://jmespath.org/specification.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite
from typing import Any
from urllib.parse import urljoin

import jmespath
from jmespath.exceptions import JMESPathError

from catalog.errors import CatalogError, InvalidInput, UnexpectedReply
from catalog.model.digest import HEX_LENGTHS, Digest
from catalog.model.gap import UNREADABLE, Gap
from catalog.model.resource import Resource
from catalog.paths import check_path, name_problem
from providers.shared.url import redact_url

_HEX = re.compile(r"[0-9A-Fa-f]+")
_DIGITS = re.compile(r"\d+")
_BY_LENGTH = {length: name for name, length in sorted(HEX_LENGTHS.items(), reverse=True)}
EXPRESSIONS = (
    "items",
    "name",
    "link",
    "id",
    "size",
    "digest",
    "etag",
    "modified",
    "content_type",
)
"""Fields that have an expression each."""
NANOSECONDS, MICROSECONDS, MILLISECONDS = 1e17, 1e14, 1e11  # larger epochs are in that unit


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that a page lists, and the URL of its bytes."""

    resource: Resource
    url: str


@dataclass(frozen=True)
class Fields:
    """Expressions for the entries in a page, and for each field of an entry; '' for none."""

    items: str = "@"
    name: str = "name"
    link: str = "url"
    id: str = ""
    size: str = ""
    digest: str = ""
    etag: str = ""
    modified: str = ""
    content_type: str = ""
    properties: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def _compiled(self) -> dict[str, Any]:
        plain = {
            one: compile_expression(getattr(self, one)) for one in EXPRESSIONS if getattr(self, one)
        }
        return plain | {
            f"property {name}": compile_expression(text) for name, text in self.properties.items()
        }

    def check(self) -> None:
        """Raise `InvalidInput` if an expression is invalid."""
        _ = self._compiled

    def entries(self, page: object, url: str) -> Iterator[Entry | Gap]:
        """Yield the entries of a page; `url` is the page's URL.

        An invalid entry is a gap: of its name, or of everything if it has none.

        Raises:
            UnexpectedReply: the page has no list of entries.
        """
        found = self._compiled["items"].search(page) if self.items else page
        if not isinstance(found, list):
            kind = type(found).__name__
            raise UnexpectedReply(f"expected a list at {self.items!r} in the page, found {kind}")
        for number, one in enumerate(found):
            try:
                yield self._entry(one, url)
            except (CatalogError, ValueError, OverflowError) as error:  # a URL, a number too long
                why = f"entry {number} of the page {redact_url(url)!r} is invalid: {error}"
                name = self._name(one)
                yield Gap(name, why, UNREADABLE, below=not name)

    def _name(self, value: object) -> str:
        """Return the name of an invalid entry, '' if it has no valid name."""
        try:
            name = (self._text(value, "name") or "").lstrip("/")
        except CatalogError:
            return ""
        return "" if name_problem(name) else name

    def _entry(self, one: object, url: str) -> Entry:
        name, link = self._text(one, "name"), self._text(one, "link")
        if name is None or link is None:
            lacking, where = ("name", self.name) if name is None else ("URL", self.link)
            raise InvalidInput(f"it has no {lacking} at {where!r}")
        properties = {
            key: value
            for key in self.properties
            if (value := self._text(one, f"property {key}")) is not None
        }
        if (ident := self._text(one, "id")) is not None:
            properties.setdefault("id", ident)
        digest = self._text(one, "digest")
        resource = Resource(
            check_path(name.lstrip("/")),
            size=_parse_size(self._value(one, "size")),
            etag=self._text(one, "etag"),
            modified_us=_parse_time(self._value(one, "modified")),
            digests=(_parse_digest(digest),) if digest else (),
            content_type=self._text(one, "content_type"),
            properties=properties,
        )
        return Entry(resource, urljoin(url, link))

    def _value(self, value: object, name: str) -> object:
        compiled = self._compiled.get(name)
        return None if compiled is None else compiled.search(value)

    def _text(self, one: object, name: str) -> str | None:
        value = self._value(one, name)
        if value is None or isinstance(value, str):
            return value or None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise InvalidInput(f"expected text as its {name}, found {type(value).__name__}")


def compile_expression(text: str) -> Any:  # noqa: ANN401 - jmespath has no types
    """Compile a JMESPath expression; raise `InvalidInput` if it is invalid."""
    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        raise InvalidInput(f"invalid JMESPath expression {text!r}: {error}") from error


def _parse_size(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise InvalidInput(f"its size {value!r} is not a number of bytes")


def _parse_digest(text: str) -> Digest:
    algorithm, colon, value = text.rpartition(":")
    if not colon and _HEX.fullmatch(text):
        algorithm = _BY_LENGTH.get(len(text), "")
    if not algorithm:
        raise InvalidInput(
            f"its digest {text!r} is neither algorithm:hex nor hex of a known length"
        )
    return Digest(algorithm.lower().replace("sha-", "sha"), value.lower())


def _parse_time(value: object) -> int | None:
    """Parse ISO 8601 text or a number, in a unit by its size, to microseconds since 1970."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
            return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1_000_000)
        except (ValueError, OverflowError) as error:
            raise InvalidInput(f"its time {value!r} is not ISO 8601") from error
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        number = float(value)
        if not isfinite(number):
            raise InvalidInput(f"its time {value!r} is not finite")
        for least, factor in ((NANOSECONDS, 1e-3), (MICROSECONDS, 1), (MILLISECONDS, 1e3)):
            if number > least:
                return round(number * factor)
        return round(number * 1e6)
    raise InvalidInput(f"its time {value!r} is neither text nor a number")
