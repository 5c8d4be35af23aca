"""Where a request comes from: both ends of its socket, and the headers of proxies.

>>> here = Peer("127.0.0.1", "127.0.0.1", "localhost:4242")
>>> here.why_not_local() is None, Peer("10.0.0.9", "127.0.0.1", "localhost").why_not_local()
(True, "'10.0.0.9' is another machine")
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

PROXY_HEADERS = frozenset(
    ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
)
"""Headers of proxies: a request through one may come from anywhere, whatever its socket."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Both ends of a request's socket; `host` is its Host header."""

    client: str
    server: str
    host: str
    proxy_headers: Collection[str] = ()

    @classmethod
    def of(cls, scope: Scope) -> Peer:
        """Return the peer of a request."""
        headers = Headers(scope=scope)
        client, server = scope.get("client") or ("",), scope.get("server") or ("",)
        return cls(
            str(client[0]),
            str(server[0]),
            headers.get("host", ""),
            tuple(sorted(PROXY_HEADERS.intersection(headers))),
        )

    def why_not_local(self) -> str | None:
        """Return why a request does not come from this machine; None if it does.

        This is decided by the socket. `Host` is checked too, because another site may resolve its
        own name to this machine (DNS rebinding).
        """
        for one in (self.client, self.server):
            if not _is_loopback_ip(one):
                return f"{one!r} is another machine"
        if self.proxy_headers:
            return f"it came through a proxy ({', '.join(self.proxy_headers)})"
        if not is_loopback(host_of(self.host)):
            return f"its host is {self.host!r}"
        return None


NOBODY = Peer("", "", "")


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable only from this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("10.0.0.1")
    (True, True, False)
    """
    return host == "localhost" or _is_loopback_ip(host)


def _is_loopback_ip(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """Return the host of a Host header, without the port.

    >>> host_of("127.0.0.1:4242"), host_of("[::1]:80"), host_of("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
