"""Headers of requests: which may be set, which another origin may see, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.errors import InvalidInput

_RESERVED = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "range"}
)
_CROSS_ORIGIN = frozenset({"range", "if-match", "depth", "content-type"})


def check_header(name: str, value: str) -> None:
    """Refuse a header that is not one line, is ours to send, or cannot be written."""
    if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise InvalidInput(f"{name!r} is not the name of a header")
    if name.lower() in _RESERVED:
        raise InvalidInput(f"the header {name!r} cannot be set: each request decides it")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"the value of the header {name!r} cannot be sent") from error
    if "\r" in value or "\n" in value or "\x00" in value:
        raise InvalidInput(f"the value of the header {name!r} is not one line")


def extra_lines(headers: Mapping[str, str] | None, body: bytes | None) -> bytes:
    """Return the lines of a request's own headers, and of its body's length."""
    if not headers and body is None:
        return b""
    lines = [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}\r\n")
    return "".join(lines).encode("latin-1")


def cross_origin_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return those of a request's own headers that another origin may see."""
    return {name: value for name, value in (headers or {}).items() if name.lower() in _CROSS_ORIGIN}
