"""Verifies received bytes against the plan and the declared digests before they are used."""

from __future__ import annotations

import hashlib

from catalog.errors import DigestMismatch, ResourceChanged, SizeMismatch
from catalog.model.digest import Digest, Hasher
from catalog.model.plan import PlanItem
from catalog.model.resource import Resource
from providers.base import Fetched
from transfer.batch.staging import Transfer, any_trusted


def check_bytes(item: PlanItem, fetched: Fetched, expected: tuple[Digest, ...]) -> str:
    """Compare received bytes with the planned size and all known digests; return the sha256."""
    check_size(item, fetched.resource, len(fetched.data))
    sha256 = hashlib.sha256(fetched.data).hexdigest()
    for digest in expected or tuple(Digest.parse(text) for text in item.digests):
        known = sha256 if digest.algorithm == "sha256" else None
        found = known or Digest.of(fetched.data, digest.algorithm).value
        if found != digest.value:
            raise DigestMismatch(item.origin, str(digest), f"{digest.algorithm}:{found}")
    return sha256


def check_size(item: PlanItem, resource: Resource, found: int) -> None:
    """Refuse a body of another size than planned; tell a broken transfer from a changed file.

    Some file systems and servers report size 0 for generated files (`/proc`): it means nothing,
    and such a file is read to its end.
    """
    if not item.size or found == item.size:
        return
    if item.digests or resource.size is None or resource.size != found:
        raise SizeMismatch(item.origin, item.size, found)
    raise ResourceChanged(
        f"{item.origin!r} changed since it was planned: {item.size:,} bytes then, {found:,} now",
        path=item.origin,
    )


def check_read(
    transfer: Transfer, hasher: Hasher, expected: tuple[Digest, ...], resource: Resource
) -> None:
    """Verify a finished stream against the plan and record its digest and size."""
    check_size(transfer.item, resource, hasher.size)
    if resource.size and hasher.size != resource.size:
        raise SizeMismatch(transfer.item.origin, resource.size, hasher.size)
    for digest in expected:
        found = hasher.digest(digest.algorithm)
        if found != digest:
            raise DigestMismatch(transfer.item.origin, str(digest), str(found))
    transfer.digest = hasher.digest().value
    transfer.size = hasher.size
    transfer.resource = resource
    transfer.digest_declared = any_trusted(expected)
