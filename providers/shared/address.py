"""Addresses as values: parsed, decoded, checked, and compared segment by segment.

>>> place = Address.parse("HTTP://Host:80/pub/")
>>> Address.parse("http://host/pub/a%20b.txt").below(place)
'a b.txt'
>>> Address.parse("http://host/public/x").below(place), Address.parse("http://host:81/pub/x").below(place)
(None, None)
>>> Address.parse("http://host/pub/%2e%2e/x")
Traceback (most recent call last):
catalog.errors.UnsafePath: unsafe path 'http://host/pub/%2e%2e/x': it has the segment '%2e%2e'
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from catalog.errors import InvalidInput, UnsafePath
from providers.shared.url import build_url, parse_url, redact_url

WEB = frozenset(("http", "https"))
PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 990, "sftp": 22, "ssh": 22}
MAX_DECODINGS = 8  # a name encoded more often than that hides something


@dataclass(frozen=True, slots=True)
class Address:
    """The location of a file or folder: `segments` are decoded, and none of them is `..`."""

    scheme: str
    user: str
    host: str
    port: int | None
    segments: tuple[str, ...]
    folder: bool = False  # it ends in a slash
    query: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a URL.

        Raises:
            InvalidInput: it is not a URL, contains a password, or is ambiguous.
            UnsafePath: it contains `..`, however that is encoded.
        """
        if any(ord(one) < 32 or ord(one) == 127 for one in url):
            raise InvalidInput(f"{redact_url(url)!r} contains a control character")
        parsed = parse_url(url)
        if parsed.scheme in WEB and ("\\" in url or not parsed.host):
            raise InvalidInput(
                f"{redact_url(url)!r} is not a web address: expected http(s)://host/path"
            )
        raw = urlsplit(url).path.removeprefix("/").split("/")
        folder = raw[-1] == ""
        segments = tuple(_decode_segment(one, url) for one in (raw[:-1] if folder else raw))
        port = PORTS.get(parsed.scheme) if parsed.port is None else parsed.port
        host = _host(parsed.host) if parsed.scheme in WEB else parsed.host
        return cls(parsed.scheme, parsed.user, host, port, segments, folder, parsed.raw_query)

    def same_origin(self, other: Address) -> bool:
        """Return whether both have the same scheme, user, host and port."""
        mine = (self.scheme, self.user, self.host, self.port)
        return mine == (other.scheme, other.user, other.host, other.port)

    def below(self, other: Address) -> str | None:
        """Return the path relative to `other` ('' if equal), or None if it is not below it."""
        count = len(other.segments)
        if not self.same_origin(other) or self.segments[:count] != other.segments:
            return None
        return "/".join(self.segments[count:])

    @property
    def name(self) -> str:
        """Return the last segment: the file's name."""
        return self.segments[-1] if self.segments and not self.folder else ""

    @property
    def folder_url(self) -> str:
        """Return the URL of the file's folder, each name encoded once."""
        return build_url(self.scheme, self._netloc(), "/".join(self.segments[:-1]))

    def _netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        usual = self.port in (None, PORTS.get(self.scheme))
        return f"{user}{host}" if usual else f"{user}{host}:{self.port}"


def _decode_segment(raw: str, url: str) -> str:
    """Return a segment decoded once; refuse one that is `..` after any number of decodings."""
    try:
        found = one = unquote(raw, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{redact_url(url)!r} is not valid UTF-8 when decoded") from error
    for _ in range(MAX_DECODINGS):
        # Some servers parse parameters after a semicolon, and take `..;x` for `..`.
        if one.partition(";")[0] in ("", ".", "..") or "/" in one or "\x00" in one:
            raise UnsafePath(redact_url(url), f"it has the segment {raw!r}")
        if one.replace("\\", "/").startswith("../") or "/../" in one.replace("\\", "/"):
            raise UnsafePath(redact_url(url), f"it has the segment {raw!r}")
        again = unquote(one)
        if again == one:
            return found
        one = again
    raise UnsafePath(
        redact_url(url),
        f"the segment {raw[:80]!r} is percent-encoded more than {MAX_DECODINGS} times",
    )


def _host(host: str) -> str:
    try:
        return host.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        return host.lower().rstrip(".")
