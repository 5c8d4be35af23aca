"""Copies and deletes versions without moving bytes.

Copies share the stored bytes. So a terabyte costs the same as a byte, and ten thousand versions are
one command to the catalog. Bytes are removed from the storage with the last version that has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from catalog.catalog import Catalog
from catalog.errors import NotRecorded
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.uploads import CopyRequest, DeletionRequest, ExpectedVersion
from gateway.resource_store.names import checked_name
from gateway.resource_store.version_claims import Claim


class VersionRecords(Protocol):
    """The interface to the recorded versions that copying and deleting need."""

    catalog: Catalog

    def claim(self, name: str, count: int = 1) -> Claim:
        """Claim the next `count` versions of a name, to be released when recorded or abandoned."""
        ...

    def record(
        self,
        created: Sequence[ResourceVersion],
        remove: Sequence[DeletionRequest] = (),
        stands_on: ExpectedVersion | None = None,
        copying: CopyRequest | None = None,
    ) -> object:
        """Record deleted and copied versions in the catalog."""
        ...


def copy_versions(
    records: VersionRecords,
    every: Sequence[ResourceVersion],
    to: str,
    remove: Sequence[DeletionRequest] = (),
) -> list[ResourceVersion]:
    """Record versions also under another name, lowest first, and remove those in `remove`."""
    claim = records.claim(checked_name(to), count=len(every))
    try:
        first, name, now = claim.target.version, claim.target.name, datetime.now(UTC)
        versions = tuple(one.version for one in every)
        copying = CopyRequest(every[0].name, versions, name, first, now)
        records.record([], remove, copying=copying)
    finally:
        claim.release()
    return [
        replace(one, name=name, version=first + place, created_at=now)
        for place, one in enumerate(every)
    ]


def delete_versions(
    records: VersionRecords, name: str, version: int | None, stands_on: ExpectedVersion | None
) -> list[ResourceVersion]:
    """Delete every current version of a name, or one; return the deleted versions.

    Raises:
        NotRecorded: there is none, or no longer.
    """
    while True:
        every = records.catalog.resources.versions(name, version)
        try:
            records.record([], [DeletionRequest(name, one.version) for one in every], stands_on)
        except NotRecorded:
            continue  # some were deleted concurrently: retry
        return every
