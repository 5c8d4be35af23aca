"""Checksums in S3 replies: etags that are an md5, and sha256 checksums.

>>> md5_of_etag('"900150983cd24fb0d6963f7d28e17f72"') == md5(b"abc")
True
>>> md5_of_etag('"900150983cd24fb0d6963f7d28e17f72-2"')  # an object uploaded in two parts
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from catalog.model.digest import Digest

_MD5_ETAG = re.compile(r'"?([0-9a-f]{32})"?\Z')


def md5(data: bytes) -> str:
    """Return the md5 of bytes, in hex."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_of_etag(etag: str | None) -> str | None:
    """Return the md5 in hex if an etag looks like one."""
    match = _MD5_ETAG.match(etag or "")
    return match[1] if match else None


def checksum(data: bytes) -> str:
    """Return the sha256 of bytes in S3's encoding."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def checksum_of_parts(digests: tuple[bytes, ...]) -> str:
    """Return S3's composite checksum of an object whose parts have these sha256."""
    return f"{checksum(b''.join(digests))}-{len(digests)}"


def declared_digests(head: dict[str, Any]) -> tuple[Digest, ...]:
    """Return the sha256 that we, or else the store, recorded with an object."""
    noted = head.get("Metadata", {}).get("sha256", "")
    if re.fullmatch(r"[0-9a-f]{64}", noted):
        return (Digest("sha256", noted),)
    kept = head.get("ChecksumSHA256", "")
    if kept and "-" not in kept:
        return (Digest("sha256", base64.b64decode(kept).hex()),)
    return ()
