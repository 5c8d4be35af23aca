"""Open sockets, put TLS on them, and say in our words what goes wrong."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    StorageError,
    TransferTimeout,
    UnexpectedReply,
)
from providers.base import Timeouts


def open_socket(
    address: tuple[str, int], timeouts: Timeouts, *, label: str, path: str
) -> socket.socket:
    """Connect to `address`."""
    try:
        sock = socket.create_connection(address, timeouts.connect_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except (OSError, UnicodeError) as error:  # a name that IDNA refuses is a UnicodeError
        raise translate(error, f"connecting to {label}", path) from error
    return sock


def check_public(sock: socket.socket, *, label: str, path: str) -> None:
    """Refuse a connected socket, and close it, whose other end is inside a private network."""
    if not is_public(str(sock.getpeername()[0])):
        sock.close()
        why = "leads into a private network, and only public addresses are allowed"
        raise AccessDenied(f"{label} {why}", path=path)


def is_public(address: str) -> bool:
    """Say whether the whole internet has one host of this IP address.

    >>> [is_public(one) for one in ("8.8.8.8", "10.0.0.1", "fe80::1%eth0", "::ffff:127.0.0.1")]
    [True, False, False, False]
    """
    ip = ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_global and not ip.is_multicast


def open_tls(
    sock: socket.socket, context: ssl.SSLContext, host: str, *, label: str, path: str
) -> ssl.SSLSocket:
    """Put TLS on a connected socket, within its time-out."""
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except (OSError, ValueError) as error:
        sock.close()
        raise translate(error, f"making TLS with {label}", path) from error


def translate(error: OSError | ValueError, doing: str, path: str) -> StorageError:
    """Return our error for what sockets and TLS raise; `doing` says where."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        return UnexpectedReply(f"{doing}: its certificate is not trusted: {why}", path=path)
    if isinstance(error, ssl.SSLError) and "CERTIFICATE" in (error.reason or ""):
        return AccessDenied(f"{doing}: our client certificate is refused or missing", path=path)
    if isinstance(error, TimeoutError | BlockingIOError):
        return TransferTimeout(f"{doing}: timed out", path=path)
    return ConnectionFailed(f"{doing}: {describe(error)}", path=path)


def describe(error: BaseException) -> str:
    """Return an OS error's own words, or its kind."""
    words: Iterable[str | None] = (getattr(error, "strerror", None), str(error))
    return next((one for one in words if one), type(error).__name__)
