"""Addresses as values: split, decoded once, checked, and compared part by part, never as text.

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
from providers.shared.url import build_url, parse_url, shown

WEB = frozenset(("http", "https"))
PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 990, "sftp": 22, "ssh": 22}
DECODED = 8  # times, at most: who encodes more often than that hides something


@dataclass(frozen=True, slots=True)
class Address:
    """Where one file or folder lies: `segments` are decoded, and none of them climbs."""

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
            InvalidInput: it is none, holds a password, or can be read in more than one way.
            UnsafePath: it climbs, however that is written.
        """
        if any(ord(one) < 32 or ord(one) == 127 for one in url):
            raise InvalidInput(f"{shown(url)!r} holds a control character")
        parsed = parse_url(url)
        if parsed.scheme in WEB and ("\\" in url or not parsed.host):
            raise InvalidInput(f"{shown(url)!r} is no web address: expected http(s)://host/path")
        raw = urlsplit(url).path.removeprefix("/").split("/")
        folder = raw[-1] == ""
        segments = tuple(_segment(one, url) for one in (raw[:-1] if folder else raw))
        port = PORTS.get(parsed.scheme) if parsed.port is None else parsed.port
        host = _host(parsed.host) if parsed.scheme in WEB else parsed.host
        return cls(parsed.scheme, parsed.user, host, port, segments, folder, parsed.raw_query)

    def same_origin(self, other: Address) -> bool:
        """Say whether one server answers both, to one user."""
        mine = (self.scheme, self.user, self.host, self.port)
        return mine == (other.scheme, other.user, other.host, other.port)

    def below(self, other: Address) -> str | None:
        """Return the path below another address, '' for that itself; None where it is elsewhere."""
        count = len(other.segments)
        if not self.same_origin(other) or self.segments[:count] != other.segments:
            return None
        return "/".join(self.segments[count:])

    @property
    def name(self) -> str:
        """Return the last segment: the file's own name."""
        return self.segments[-1] if self.segments and not self.folder else ""

    @property
    def above(self) -> str:
        """Return the URL of the folder that the file lies in, each name encoded once."""
        return build_url(self.scheme, self._netloc(), "/".join(self.segments[:-1]))

    def _netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        usual = self.port in (None, PORTS.get(self.scheme))
        return f"{user}{host}" if usual else f"{user}{host}:{self.port}"


def _segment(raw: str, url: str) -> str:
    """Return a segment, decoded once; refuse one that climbs when it is decoded ever so often."""
    try:
        found = one = unquote(raw, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{shown(url)!r} is not valid UTF-8 once it is decoded") from error
    for _ in range(DECODED):
        # Some servers look for parameters behind a semicolon, and take `..;x` for `..`.
        if one.partition(";")[0] in ("", ".", "..") or "/" in one or "\x00" in one:
            raise UnsafePath(shown(url), f"it has the segment {raw!r}")
        if one.replace("\\", "/").startswith("../") or "/../" in one.replace("\\", "/"):
            raise UnsafePath(shown(url), f"it has the segment {raw!r}")
        again = unquote(one)
        if again == one:
            return found
        one = again
    raise UnsafePath(shown(url), f"the segment {raw[:80]!r} is encoded too often")


def _host(host: str) -> str:
    try:
        return host.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:
        return host.lower().rstrip(".")
