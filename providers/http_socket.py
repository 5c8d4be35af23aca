"""Open sockets, put TLS on them, and say in our words what goes wrong."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable

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
