"""From where a request comes: both ends of its socket, and what says that somebody passed it on.

>>> here = Peer("127.0.0.1", "127.0.0.1", "localhost:4242")
>>> here.why_not_here() is None, Peer("10.0.0.9", "127.0.0.1", "localhost").why_not_here()
(True, "'10.0.0.9' is another one")
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

PASSED_ON = frozenset(
    ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
)
"""Headers of proxies: what comes by one comes from anywhere, whatever its socket says."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Both ends of a request's socket; `host` is the name under which it was asked."""

    client: str
    server: str
    host: str
    passed_on: Collection[str] = ()

    @classmethod
    def of(cls, scope: Scope) -> Peer:
        """Return from where a request comes."""
        headers = Headers(scope=scope)
        client, server = scope.get("client") or ("",), scope.get("server") or ("",)
        return cls(
            str(client[0]),
            str(server[0]),
            headers.get("host", ""),
            tuple(sorted(PASSED_ON.intersection(headers))),
        )

    def why_not_here(self) -> str | None:
        """Say why this machine itself is not who asks; None where it is.

        The socket tells it. `Host` can only speak against it: a page elsewhere may let its own
        name lead here (DNS rebinding).
        """
        for one in (self.client, self.server):
            if not _is_loopback_ip(one):
                return f"{one!r} is another one"
        if self.passed_on:
            return f"a proxy passed it on ({', '.join(self.passed_on)})"
        if not is_loopback(host_of(self.host)):
            return f"it asked for {self.host!r}"
        return None


NOBODY = Peer("", "", "")


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address.

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
    """Return the host that a Host header names, without its port.

    >>> host_of("127.0.0.1:4242"), host_of("[::1]:80"), host_of("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
