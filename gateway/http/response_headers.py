"""What every reply says of itself, in one place: that its bytes run nowhere, and who may keep it.

A reply is a page of ours only if it says so by a Content-Security-Policy of its own, which no
source's header can be (`gateway.content.source_headers`). All else is foreign: it is sandboxed,
never sniffed, and saved rather than shown where its type could act. Shared caches keep what anybody
may read, alone.

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

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.content_disposition import disposition

SANDBOX = "sandbox"
_SHOWN = re.compile(
    r"(text/(plain|csv|markdown|css|event-stream)"
    r"|application/(json|x-ndjson|octet-stream|problem\+json|openmetrics-text)"
    r"|image/(png|jpeg|gif|webp|avif|bmp|tiff|x-icon|vnd\.microsoft\.icon)"
    r"|(audio|video|font)/[a-z0-9.+-]+)"
)
"""Types that a browser shows or saves without letting them act; any other is saved."""
_PUBLIC = re.compile(r"\bpublic\b|\bs-maxage=\d+")


class Access(Enum):
    """By what a request was let in; `scope["entrepot.access"]` holds it."""

    ANYBODY = "anybody"
    TOKEN = "token"  # noqa: S105 - or by being on this machine: not anybody, at any rate
    LINK = "link"


def is_inert_type(content_type: str) -> bool:
    """Say whether a browser may show bytes of a type, as these do nothing."""
    return _SHOWN.fullmatch(content_type.partition(";")[0].strip().lower()) is not None


def cache_control(told: str | None, access: Access) -> str | None:
    """Return the Cache-Control of a reply, of which its route `told` how long it holds."""
    if access is Access.LINK:
        return "private, no-store"
    if access is Access.ANYBODY or (told is not None and "no-store" in told):
        return told
    if told is None:
        return "private, no-cache"
    found = _PUBLIC.sub("private", told)
    return found if "private" in found else f"private, {found}"


class ResponseHeaders:
    """ASGI middleware that adds to each reply what it lacks; a route may only be stricter."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _sealed(scope, message)}
            await send(message)

        await self._app(scope, receive, sent)


def _sealed(scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
    pairs = [(name.lower(), value) for name, value in message.get("headers", ())]
    found = dict(pairs)
    if b"content-security-policy" not in found:
        pairs.append((b"content-security-policy", SANDBOX.encode()))
        kind = found.get(b"content-type")
        saved = kind is not None and not is_inert_type(kind.decode("latin-1"))
        if saved and b"content-disposition" not in found:
            name = str(scope["path"]).rpartition("/")[2] or "index"
            pairs.append((b"content-disposition", disposition(name).encode("latin-1")))
    if b"x-content-type-options" not in found:
        pairs.append((b"x-content-type-options", b"nosniff"))
    told = found.get(b"cache-control", b"").decode("latin-1") or None
    if message["status"] >= 400:
        keep: str | None = "no-store"
    else:
        keep = cache_control(told, scope.get("entrepot.access", Access.TOKEN))
    if keep != told and keep is not None:
        pairs = [one for one in pairs if one[0] != b"cache-control"]
        pairs.append((b"cache-control", keep.encode("latin-1")))
    return pairs
