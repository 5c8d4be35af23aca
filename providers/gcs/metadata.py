"""Converts object metadata of Google Cloud Storage's JSON API."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from catalog.errors import InvalidInput
from catalog.model.digest import Digest
from catalog.model.resource import Resource


def describe_object(path: str, item: Mapping[str, Any]) -> Resource:
    """Return the resource that an object's metadata describes."""
    digests: list[Digest] = []
    declared = (item.get("metadata") or {}).get("sha256", "")
    try:
        digests += [Digest("sha256", declared)] if declared else []
    except InvalidInput:
        digests = []  # somebody else's property of that name
    if item.get("md5Hash"):
        digests.append(Digest("md5", b64decode(item["md5Hash"]).hex()))
    updated = item.get("updated")
    moment = datetime.fromisoformat(updated) if updated else None
    return Resource(
        path,
        size=int(item["size"]) if "size" in item else None,
        etag=item.get("generation"),
        modified_us=int(moment.timestamp() * 1_000_000) if moment else None,
        digests=tuple(digests),
        content_type=item.get("contentType") or None,
    )


def encode_crc32c(crc: int) -> str:
    """Return a crc32c in Google's encoding."""
    return b64encode(crc.to_bytes(4, "big")).decode()
