"""What replies mean: errors for statuses, declared digests, times, when to come again."""

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


def status_error(
    status: int, headers: Mapping[bytes, bytes], *, doing: str, path: str
) -> StorageError:
    """Return the error for a `status` that is not success; `doing` says what was tried."""
    message = f"{doing}: status {status}"
    if status in (404, 410):
        return ResourceNotFound(message, path=path, status=status)
    if status in (401, 403, 407):
        return AccessDenied(message, path=path, status=status)
    if status == 412:
        return ResourceChanged(f"{doing}: it has changed", path=path, status=status)
    if status in (429, 503):
        wait_s = retry_after_s(headers)
        return StorageBusy(message, path=path, status=status, retry_after_s=wait_s)
    if status >= 500 or status == 408:
        return StorageFailed(message, path=path, status=status)
    return UnexpectedReply(message, path=path, status=status)


def retry_after_s(headers: Mapping[bytes, bytes]) -> float | None:
    """Read Retry-After, in seconds or as a date; None where there is none or it is nonsense."""
    text = headers.get(b"retry-after")
    if not text:
        return None
    if text.isdigit():
        return min(float(text), MAX_WAIT_S)
    at_us = modified_us(text)
    if at_us is None:
        return None
    return min(max(0.0, at_us / 1e6 - time.time()), MAX_WAIT_S)


@lru_cache(maxsize=256)  # files of one folder often bear one time, and a file its own each run
def modified_us(text: bytes | None) -> int | None:
    """Read an HTTP date as microseconds since the epoch; None where it cannot be read.

    >>> modified_us(b"Sun, 06 Nov 1994 08:49:37 GMT")
    784111777000000
    """
    if not text:
        return None
    parts = text.split()
    try:
        if len(parts) == 6 and parts[5] == b"GMT":  # what every server sends, without `email`
            hour, minute, second = parts[4].split(b":")
            day = (int(parts[3]), _MONTHS[parts[2]], int(parts[1]))
            return timegm((*day, int(hour), int(minute), int(second))) * 1_000_000
        return int(parsedate_to_datetime(text.decode("ascii")).timestamp()) * 1_000_000
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def declared_digests(headers: Mapping[bytes, bytes]) -> tuple[Digest, ...]:
    """Read Repr-Digest, Digest and Content-MD5; what is unknown or broken declares nothing.

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
