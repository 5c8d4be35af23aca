"""Security and cache headers of every response.

A response is one of our own pages only if it has a Content-Security-Policy, which is never
forwarded from a source (`gateway.content.source_headers`). All other content is untrusted: it is
sandboxed, never sniffed, and downloaded instead of displayed if its type can be active. Shared
caches may store only what everyone may read.

>>> [is_inert_type(one) for one in ("text/plain; charset=utf-8", "image/svg+xml", "TEXT/HTML", "")]
[True, False, False, False]
>>> [cache_control("public, max-age=60", one) for one in (Access.TOKEN, Access.ANYBODY)]
['private, max-age=60', 'public, max-age=60']
>>> cache_control("public, max-age=60", Access.LINK), cache_control(None, Access.TOKEN)
('private, no-store', 'private, no-cache')
"""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SANDBOX = "sandbox"
_SHOWN = re.compile(
    r"(text/(plain|csv|markdown|css|event-stream)"
    r"|application/(json|x-ndjson|octet-stream|problem\+json|openmetrics-text)"
    r"|image/(png|jpeg|gif|webp|avif|bmp|tiff|x-icon|vnd\.microsoft\.icon)"
    r"|(audio|video|font)/[a-z0-9.+-]+)"
)
"""Inactive types, which a browser may display; any other is downloaded."""
_PUBLIC = re.compile(r"\bpublic\b|\bs-maxage=\d+")


class Access(Enum):
    """How a request was authorized, stored in `scope["entrepot.access"]`."""

    ANYBODY = "anybody"
    TOKEN = "token"  # noqa: S105 - or by being on this machine
    LINK = "link"


def is_inert_type(content_type: str) -> bool:
    """Return whether a browser may display a type, because it is inactive."""
    return _SHOWN.fullmatch(content_type.partition(";")[0].strip().lower()) is not None


def cache_control(value: str | None, access: Access) -> str | None:
    """Return the Cache-Control of a response; `value` is the one set by its route."""
    if access is Access.LINK:
        return "private, no-store"
    if access is Access.ANYBODY or (value is not None and "no-store" in value):
        return value
    if value is None:
        return "private, no-cache"
    found = _PUBLIC.sub("private", value)
    return found if "private" in found else f"private, {found}"


class ResponseHeaders:
    """ASGI middleware that adds missing headers; routes may only be stricter."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _add_headers(scope, message)}
            await send(message)

        await self._app(scope, receive, sent)


def _add_headers(scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
    pairs = [(name.lower(), value) for name, value in message.get("headers", ())]
    found = dict(pairs)
    if b"content-security-policy" not in found:
        pairs.append((b"content-security-policy", SANDBOX.encode()))
        kind = found.get(b"content-type")
        saved = kind is not None and not is_inert_type(kind.decode("latin-1"))
        if saved and b"content-disposition" not in found:
            name = str(scope["path"]).rpartition("/")[2] or "index"
            pairs.append((b"content-disposition", content_disposition(name).encode("latin-1")))
    if b"x-content-type-options" not in found:
        pairs.append((b"x-content-type-options", b"nosniff"))
    value = found.get(b"cache-control", b"").decode("latin-1") or None
    if message["status"] >= 400:
        keep: str | None = "no-store"
    else:
        keep = cache_control(value, scope.get("entrepot.access", Access.TOKEN))
    if keep != value and keep is not None:
        pairs = [pair for pair in pairs if pair[0] != b"cache-control"]
        pairs.append((b"cache-control", keep.encode("latin-1")))
    return pairs


def content_disposition(name: str) -> str:
    """Return a Content-Disposition that saves a resource under its last segment.

    >>> content_disposition("a/b.txt")
    'attachment; filename="b.txt"'
    """
    last = name.rpartition("/")[2]
    plain = "".join(one if one.isascii() and one not in '"\\' else "_" for one in last)
    header = f'attachment; filename="{plain}"'
    return header if plain == last else f"{header}; filename*=UTF-8''{quote(last, safe='')}"
