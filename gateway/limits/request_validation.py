"""Validates the form of requests before they are handled (RFC 9110 and 9112).

>>> headers = [(b"host", b"a"), (b"if-none-match", b'"a"'), (b"if-none-match", b'"b"')]
>>> join_list_headers(headers)[1]
(b'if-none-match', b'"a", "b"')
>>> twice = [*headers, (b"host", b"b")]
>>> refusal("BREW", "1.1", headers).status, refusal("GET", "1.1", twice).status
(501, 400)
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.errors import send_error
from gateway.limits.rules import Refusal

KNOWN = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
READ = "GET, HEAD"
LISTS = frozenset((b"if-match", b"if-none-match", b"repr-digest", b"content-digest"))
"""Headers whose repeated lines form one list."""
Pairs = Sequence[tuple[bytes, bytes]]


class RequestValidation:
    """ASGI middleware that refuses ambiguous and unsupported requests."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = refusal(scope["method"], scope.get("http_version", "1.1"), scope["headers"])
        if refused is not None:
            close = [(b"connection", b"close")]
            await send_error(send, refused.status, refused.kind, refused.message, close)
            return
        path = scope["path"]
        reads_alone = path.startswith("/content/") or path == "/metrics"
        if reads_alone and scope["method"] not in ("GET", "HEAD"):
            why = f"{path.split('/')[1]} is read-only: {scope['method']} is not allowed"
            allow = [(b"allow", READ.encode())]
            await send_error(send, 405, "MethodNotAllowed", why, allow)
            return
        scope["headers"] = join_list_headers(scope["headers"])
        await self._app(scope, receive, send)


def refusal(method: str, version: str, headers: Pairs) -> Refusal | None:
    """Return why a request is refused; None if it is well-formed."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value.strip())
    hosts = found.get(b"host", [])
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return Refusal(400, "BadRequest", f"expected one Host header, found {len(hosts)}")
    codings = b",".join(found.get(b"transfer-encoding", [])).lower().split(b",")
    if [coding.strip() for coding in codings] not in ([b""], [b"chunked"]):
        return Refusal(501, "NotImplemented", "`chunked` is the only supported transfer coding")
    lengths = found.get(b"content-length", [])
    if len(set(lengths)) > 1 or (lengths and codings != [b""]):
        return Refusal(400, "BadRequest", "the request has conflicting lengths of its body")
    if any(not (length.isascii() and length.isdigit()) for length in lengths):
        return Refusal(400, "BadRequest", "the Content-Length is not a number")
    if method not in KNOWN:
        return Refusal(501, "NotImplemented", f"the method {method[:40]!r} is not supported")
    return None


def join_list_headers(headers: Pairs) -> list[tuple[bytes, bytes]]:
    """Return the headers with each list joined into one line."""
    joined: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        place = next((n for n, one in enumerate(joined) if one[0] == name), None)
        if name in LISTS and place is not None:
            joined[place] = (name, joined[place][1] + b", " + value)
        else:
            joined.append((name, value))
    return joined
