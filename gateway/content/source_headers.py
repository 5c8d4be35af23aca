"""Which response headers of a source are forwarded to clients (PD-40).

Not forwarded are hop-by-hop headers, headers that control browsers, caches and proxies, cookies,
and validators, which would change once the file is stored: the catalog's are sent instead.

>>> sent = [("Server", "x"), ("Connection", "close"), ("X-Own", "1"), ("Set-Cookie", "a=b")]
>>> forwarded_headers(sent)
(('x-own', '1'),)
"""

from __future__ import annotations

from collections.abc import Iterable

HOP_BY_HOP = frozenset(
    (
        *("connection", "content-encoding", "content-length", "keep-alive", "public"),
        *("proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "proxy-authorization"),
    )
)
OURS = frozenset(
    (
        *("accept-ranges", "content-range", "etag", "last-modified", "date", "server"),
        *("set-cookie", "set-cookie2", "www-authenticate", "location", "x-request-id"),
        *("cache-control", "expires", "age", "vary", "strict-transport-security", "alt-svc"),
        *("content-security-policy", "content-security-policy-report-only", "refresh", "link"),
        *("x-content-type-options", "x-frame-options", "x-xss-protection", "permissions-policy"),
        *("clear-site-data", "service-worker-allowed", "report-to", "reporting-endpoints", "nel"),
        *("content-disposition", "content-location", "sourcemap", "x-sourcemap", "set-login"),
        *("timing-allow-origin", "referrer-policy", "origin-agent-cluster", "status", "pragma"),
        *("x-sendfile", "x-reproxy-url", "x-lighttpd-send-file", "server-timing", "priority"),
        *("x-correlation-id", "surrogate-control", "cdn-cache-control", "edge-control"),
    )
)


FAMILIES = ("access-control-", "cross-origin-", "x-accel-", "x-litespeed-", "sec-", "proxy-")
"""Prefixes of further headers: for example, a proxy would follow an `X-Accel-Redirect`."""


def forwarded_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers to forward, with lower-case names."""
    named = set(HOP_BY_HOP | OURS)
    every = [(name.lower(), value) for name, value in headers]
    for name, value in every:
        if name == "connection":
            named |= {part.strip().lower() for part in value.split(",")}
    return tuple(
        one
        for one in every
        if one[0] not in named and not one[0].startswith(FAMILIES) and _is_safe(one[1])
    )


def _is_safe(value: str) -> bool:
    return "\r" not in value and "\n" not in value and "\x00" not in value
