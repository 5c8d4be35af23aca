"""Refuse changes that another site makes a browser ask for, with the login that it remembers.

>>> from starlette.datastructures import Headers
>>> crosses("POST", Headers({"sec-fetch-site": "cross-site", "authorization": "Basic eDp5"}))
True
>>> crosses("POST", Headers({"origin": "https://evil.example", "host": "127.0.0.1:4242"}))
True
>>> crosses("POST", Headers({"authorization": "Bearer ent_x", "origin": "https://app.example"}))
False
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.http.errors import Refused

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
OWN = frozenset(("same-origin", "none"))


def refuse_cross_site(method: str, headers: Mapping[str, str]) -> None:
    """Raise `Refused` (403) where another site's page asks for a change."""
    if crosses(method, headers):
        raise Refused(403, "another site may not ask for this", kind="CrossSite")


def crosses(method: str, headers: Mapping[str, str]) -> bool:
    """Say whether another site's page asks for a change; who shows a bearer token knows of it."""
    authorization = headers.get("authorization", "")
    if method in SAFE or authorization.lower().startswith("bearer "):
        return False
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in OWN
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
