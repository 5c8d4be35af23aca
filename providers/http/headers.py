"""HTTP headers: checks and encoding of request headers, meaning of response headers."""

from __future__ import annotations

import time
from base64 import b64decode
from binascii import Error as Base64Error
from calendar import timegm
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

from catalog.errors import (
    AccessDenied,
    InvalidInput,
    ResourceChanged,
    ResourceNotFound,
    StorageBusy,
    StorageError,
    StorageFailed,
    UnexpectedReply,
)
from catalog.model.digest import HEX_LENGTHS, Digest

_MONTHS = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "sha": "sha1", "md5": "md5"}
_DECLARING = frozenset({b"repr-digest", b"digest", b"content-md5"})
MAX_WAIT_S = 3600.0
_RESERVED = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "range"}
)
_CROSS_ORIGIN = frozenset({"range", "if-match", "depth", "content-type"})


def status_error(
    status: int, headers: Mapping[bytes, bytes], *, doing: str, path: str
) -> StorageError:
    """Return the error for an unsuccessful `status`; `doing` describes the request."""
    message = f"{doing}: status {status}"
    if status in (404, 410):
        return ResourceNotFound(message, path=path, status=status)
    if status in (401, 403, 407):
        return AccessDenied(message, path=path, status=status)
    if status == 412:
        return ResourceChanged(f"{doing}: the file has changed", path=path, status=status)
    if status in (429, 503):
        wait_s = retry_after_s(headers)
        return StorageBusy(message, path=path, status=status, retry_after_s=wait_s)
    if status >= 500 or status == 408:
        return StorageFailed(message, path=path, status=status)
    return UnexpectedReply(message, path=path, status=status)


def retry_after_s(headers: Mapping[bytes, bytes]) -> float | None:
    """Parse Retry-After, in seconds or as a date; None if it is missing or invalid."""
    text = headers.get(b"retry-after")
    if not text:
        return None
    if text.isdigit():
        return min(float(text), MAX_WAIT_S)
    at_us = modified_us(text)
    if at_us is None:
        return None
    return min(max(0.0, at_us / 1e6 - time.time()), MAX_WAIT_S)


@lru_cache(maxsize=256)  # files in a folder often share a time, and keep it from run to run
def modified_us(text: bytes | None) -> int | None:
    """Parse an HTTP date to microseconds since the epoch; None if it is invalid.

    >>> modified_us(b"Sun, 06 Nov 1994 08:49:37 GMT")
    784111777000000
    """
    if not text:
        return None
    parts = text.split()
    try:
        if len(parts) == 6 and parts[5] == b"GMT":  # the usual format, faster than `email`
            hour, minute, second = parts[4].split(b":")
            day = (int(parts[3]), _MONTHS[parts[2]], int(parts[1]))
            return timegm((*day, int(hour), int(minute), int(second))) * 1_000_000
        return int(parsedate_to_datetime(text.decode("ascii")).timestamp()) * 1_000_000
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def declared_digests(headers: Mapping[bytes, bytes]) -> tuple[Digest, ...]:
    """Parse Repr-Digest, Digest and Content-MD5, ignoring unknown and invalid values.

    >>> [str(one) for one in declared_digests({b"content-md5": b"kAFQmDzST7DWlj99KOF/cg=="})]
    ['md5:900150983cd24fb0d6963f7d28e17f72']
    """
    if _DECLARING.isdisjoint(headers):
        return ()
    found: dict[str, Digest] = {}
    for name in (b"repr-digest", b"digest"):
        for item in headers.get(name, b"").decode("latin-1").split(","):
            key, _, value = item.strip().partition("=")
            algorithm = _ALGORITHMS.get(key.strip().lower())
            if algorithm is not None:
                _add(found, algorithm, value.strip().strip(":"))
    _add(found, "md5", headers.get(b"content-md5", b"").decode("latin-1"))
    return tuple(found.values())


def _add(found: dict[str, Digest], algorithm: str, text: str) -> None:
    try:
        value = b64decode(text, validate=True).hex()
    except (Base64Error, ValueError):
        return
    if len(value) == HEX_LENGTHS[algorithm]:
        found.setdefault(algorithm, Digest(algorithm, value))


def check_header(name: str, value: str) -> None:
    """Refuse a header that is not one line, that the client sets itself, or cannot be encoded."""
    if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise InvalidInput(f"{name!r} is not a valid header name")
    if name.lower() in _RESERVED:
        raise InvalidInput(f"the header {name!r} cannot be set: the client sets it itself")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"the value of the header {name!r} must be Latin-1 text") from error
    if "\r" in value or "\n" in value or "\x00" in value:
        raise InvalidInput(f"the value of the header {name!r} must be a single line")


def extra_lines(headers: Mapping[str, str] | None, body: bytes | None) -> bytes:
    """Return the lines of a request's additional headers, and of its body's length."""
    if not headers and body is None:
        return b""
    lines = [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}\r\n")
    return "".join(lines).encode("latin-1")


def cross_origin_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of a request that may be sent to another origin."""
    return {name: value for name, value in (headers or {}).items() if name.lower() in _CROSS_ORIGIN}
