"""URLs: parse them, refuse secrets in them, quote paths, redact them for messages.

>>> parse_url("s3://bucket/a%20b/c").path
'/a b/c'
>>> redact_url("https://host/a?signature=abc")
'https://host/a?…'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from catalog.errors import InvalidInput, SecretInUrl

SAFE = "!$'()*+,=:@-._~"
"""Characters not quoted in a path segment: RFC 3986's pchar without `;`, after which some servers
parse parameters."""


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL: `path` is decoded and keeps its slashes, `query` keeps its order."""

    scheme: str
    host: str = ""
    port: int | None = None
    user: str = ""
    path: str = ""
    query: Mapping[str, str] | None = None
    raw_query: str = ""

    @property
    def key(self) -> str:
        """Return the path without slashes at either end."""
        return self.path.strip("/")

    @property
    def netloc(self) -> str:
        """Return host and port as a URL writes them, without a user."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def parse_url(url: str) -> Url:
    """Split `url`; raise `SecretInUrl` for a password in it, `InvalidInput` if it is not a URL."""
    if "://" not in url:
        raise InvalidInput(f"{url!r} is not a URL: expected 'scheme://…'")
    scheme = url.partition("://")[0].lower()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:  # from None would hide the cause; the text may hold a secret
        raise InvalidInput(f"the {scheme}:// address is not a valid URL") from error
    if parts.password is not None:
        raise SecretInUrl(scheme)
    if parts.fragment:
        raise InvalidInput(f"{redact_url(url)!r} has a fragment: write '#' in a name as %23")
    host = parts.hostname or ""
    netloc = parts.netloc.rpartition("@")[2]
    if netloc and netloc.lower() == host:
        host = netloc  # bucket names are case-sensitive, unlike hosts
    return Url(
        scheme=scheme,
        host=unquote(host),
        port=port,
        user=unquote(parts.username or ""),
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        raw_query=parts.query,
    )


def quote_path(path: str) -> str:
    """Percent-encode a path for a URL, keeping slashes."""
    return quote(path, safe="/" + SAFE)


def build_url(scheme: str, netloc: str, path: str) -> str:
    """Return the canonical URL of a decoded `path`, without a trailing slash."""
    quoted = quote_path(path.strip("/"))
    return f"{scheme}://{netloc}/{quoted}" if quoted else f"{scheme}://{netloc}"


def folder_and_name(url: str) -> tuple[str, str]:
    """Return the URL of a file's folder, and the file's name, decoded.

    >>> folder_and_name("https://host/a%20b/c%20d?signature=abc")
    ('https://host/a%20b/', 'c d')
    """
    folder, slash, name = url.partition("?")[0].rpartition("/")
    return folder + slash, unquote(name)


def redact_url(url: str) -> str:
    """Return `url` without user, password, query and fragment, for messages."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    rest, hash_mark, _ = rest.partition("#")
    rest, question, _ = rest.partition("?")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    return f"{scheme}{mark}{host}{slash}{path}" + ("?…" if question or hash_mark else "")
