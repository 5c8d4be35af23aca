"""Changes of versions that move no byte: copied to another name, or deleted.

The bytes of copies stay where they lie, and are shared. So it costs the same for a terabyte as for
a byte, and ten thousand versions are one order to the catalog. Bytes go from their storage with the
last version that has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from catalog.catalog import Catalog
from catalog.errors import NotRecorded
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.versions import CopyRequest, DeletionRequest, ExpectedVersion
from gateway.resource_store.names import checked_name
from gateway.resource_store.version_claims import Claim


class VersionRecords(Protocol):
    """What a copy and a deletion need of where versions are recorded."""

    catalog: Catalog

    def claim(self, name: str, count: int = 1) -> Claim:
        """Claim the next `count` versions of a name; release them once recorded, or given up."""
        ...

    def record(
        self,
        made: Sequence[ResourceVersion],
        remove: Sequence[DeletionRequest] = (),
        stands_on: ExpectedVersion | None = None,
        copying: CopyRequest | None = None,
    ) -> object:
        """Tell the catalog of versions that go, and of those that others get too."""
        ...


def copy_versions(
    records: VersionRecords,
    every: Sequence[ResourceVersion],
    to: str,
    remove: Sequence[DeletionRequest] = (),
) -> list[ResourceVersion]:
    """Record versions under another name too, the lowest first; those to `remove` go then."""
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
    """Delete every version of a name that is there now, or one; return what was deleted.

    Raises:
        NotRecorded: there is none, or none any more.
    """
    while True:
        every = records.catalog.resources.versions(name, version)
        try:
            records.record([], [DeletionRequest(name, one.version) for one in every], stands_on)
        except NotRecorded:
            continue  # somebody else deleted some of them: look again
        return every
