"""Opens sockets, starts TLS, and translates their errors."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    StorageError,
    TransferTimeout,
    UnexpectedReply,
)
from providers.base import Timeouts


def open_socket(
    address: tuple[str, int],
    timeouts: Timeouts,
    *,
    label: str,
    path: str,
    public_only: bool = False,
) -> socket.socket:
    """Connect to `address`; with `public_only`, refuse private networks.

    Raises:
        AccessDenied: any address of the host is private.
    """
    try:
        if public_only:
            address = _public_address(address, label=label, path=path)
    except (OSError, UnicodeError) as error:
        if isinstance(error, AccessDenied):
            raise
        raise translate(error, f"looking up {label}", path) from error
    try:
        sock = socket.create_connection(address, timeouts.connect_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except (OSError, UnicodeError) as error:  # IDNA raises UnicodeError for invalid names
        raise translate(error, f"connecting to {label}", path) from error
    return sock


def _public_address(address: tuple[str, int], *, label: str, path: str) -> tuple[str, int]:
    """Return the IP address to connect to, so that the name is resolved only once."""
    host, port = address
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_public(one) for one in found):
        why = "resolves to a private network, and only public addresses are allowed"
        raise AccessDenied(f"{label} {why}", path=path)
    return found[0], port


SPECIAL = tuple(
    ip_network(one)
    for one in (
        *("192.88.99.0/24", "::/96", "::ffff:0:0/96", "fec0::/10"),  # relays, and IPv4 in IPv6
        *("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),  # NAT64, Teredo, 6to4
    )
)
"""Addresses that a network gateway translates into unknown others."""


def is_public(address: str) -> bool:
    """Return whether an IP address is globally unique and reachable.

    >>> [is_public(one) for one in ("8.8.8.8", "10.0.0.1", "fe80::1%eth0", "::ffff:8.8.8.8")]
    [True, False, False, False]
    """
    ip = ip_address(address.partition("%")[0])
    if any(ip in one for one in SPECIAL):
        return False
    return ip.is_global and not ip.is_multicast


def open_tls(
    sock: socket.socket, context: ssl.SSLContext, host: str, *, label: str, path: str
) -> ssl.SSLSocket:
    """Start TLS on a connected socket, within its time-out."""
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except (OSError, ValueError) as error:
        sock.close()
        raise translate(error, f"starting TLS with {label}", path) from error


def translate(error: OSError | ValueError, doing: str, path: str) -> StorageError:
    """Return our error for a socket or TLS error; `doing` describes the operation."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        return UnexpectedReply(f"{doing}: the certificate is not trusted: {why}", path=path)
    if isinstance(error, ssl.SSLError) and "CERTIFICATE" in (error.reason or ""):
        return AccessDenied(
            f"{doing}: the server refused the client certificate, or requires one", path=path
        )
    if isinstance(error, TimeoutError | BlockingIOError):
        return TransferTimeout(f"{doing}: timed out", path=path)
    return ConnectionFailed(f"{doing}: {describe(error)}", path=path)


def describe(error: BaseException) -> str:
    """Return an OS error's message, or its type."""
    words: Iterable[str | None] = (getattr(error, "strerror", None), str(error))
    return next((word for word in words if word), type(error).__name__)
