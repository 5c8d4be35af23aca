"""Copies versions of a resource to another name: their bytes first, then all are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalog.digest import Digest
from catalog.errors import SizeMismatch
from catalog.resource_version import ResourceVersion
from catalog.resources import Removal
from gateway.claims import Claim, Claimed
from gateway.names import checked_name
from gateway.upload import Facts, written
from providers.base import Copier

if TYPE_CHECKING:
    from gateway.resource_store import ResourceStore


def copied(
    store: ResourceStore,
    every: Sequence[ResourceVersion],
    to: str,
    remove: Sequence[Removal] = (),
) -> list[ResourceVersion]:
    """Bring the bytes of versions to another name, and record all together; `remove` goes then."""
    to = checked_name(to)
    with ExitStack() as held:
        made = [_one_copied(store, held, one, to) for one in every]
        store.record(made, remove)
    return made


def _one_copied(
    store: ResourceStore, held: ExitStack, one: ResourceVersion, to: str
) -> ResourceVersion:
    claim = store.claim(to)
    claimed = claim.claimed
    again = replace(one, name=to, version=claimed.version, created_at=datetime.now(UTC))
    if one.path is None:  # what lies elsewhere stays there, under another name
        held.callback(claim.release)
        return again
    held.callback(_cleared, store, claim)
    with store.reading(one.path):
        size = _bytes_copied(store, one, claimed)
    if one.size is not None and size != one.size:
        raise SizeMismatch(one.name, one.size, size)
    url = f"{store.repository.address.rstrip('/')}/{claimed.path}"
    return replace(again, url=url, address=claimed.address, path=claimed.path)


def _cleared(store: ResourceStore, claim: Claim) -> None:
    try:
        store.clear(claim.claimed)
    except BaseException:
        claim.abandon()
        raise
    claim.release()


def _bytes_copied(store: ResourceStore, one: ResourceVersion, claimed: Claimed) -> int:
    """Bring the bytes of a version to a claimed place, in the storage itself where it can."""
    storage, path = store.storage, one.path or ""
    can = storage.capabilities
    if isinstance(storage, Copier) and can.copy and not can.links:
        stored = storage.copy_from(storage, path, claimed.path, etag=storage.stat(path).etag)
        if stored is not None:
            return stored.size
    expected = () if one.digest is None else (Digest("sha256", one.digest),)
    facts = Facts(one.content_type, one.size, expected)
    return written(storage, claimed.path, storage.read(path), facts, store.stop).size
