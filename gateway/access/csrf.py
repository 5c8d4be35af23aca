"""Refuses cross-site requests that would change something with a browser's saved login (CSRF).

>>> from starlette.datastructures import Headers
>>> is_cross_site("POST", Headers({"sec-fetch-site": "cross-site", "authorization": "Basic eDp5"}))
True
>>> is_cross_site("POST", Headers({"origin": "https://evil.example", "host": "127.0.0.1:4242"}))
True
>>> is_cross_site("POST", Headers({"authorization": "Bearer ent_x", "origin": "https://app.example"}))
False
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.http.errors import RequestRefused

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
OWN = frozenset(("same-origin", "none"))


def refuse_cross_site(method: str, headers: Mapping[str, str]) -> None:
    """Raise `RequestRefused` (403) for a change requested by another site's page."""
    if is_cross_site(method, headers):
        raise RequestRefused(403, "cross-site requests may not make changes", kind="CrossSite")


def is_cross_site(method: str, headers: Mapping[str, str]) -> bool:
    """Return whether another site's page requests a change; never with a bearer token."""
    authorization = headers.get("authorization", "")
    if method in SAFE or authorization.lower().startswith("bearer "):
        return False
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in OWN
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
