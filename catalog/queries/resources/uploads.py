"""Resources: named, versioned uploads of a tenant.

>>> catalog.resources.get("my/resource.txt").version             # doctest: +SKIP
2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from catalog.catalog_file import CatalogFile
from catalog.errors import NotRecorded
from catalog.model.resource_version import ResourceVersion
from catalog.queries.paging import Page
from catalog.queries.resources.lists import ResourceFilter, list_page, property_values
from catalog.store import statements
from catalog.store.keys import path_key


@dataclass(frozen=True, slots=True)
class DeletionRequest:
    """A version of a name to delete; all versions if `version` is None."""

    name: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """Copies versions of a name to another, in order, numbered from `first` on."""

    name: str
    versions: tuple[int, ...]
    to: str
    first: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExpectedVersion:
    """A precondition of a change: the latest version of a name, None for no version."""

    name: str
    version: int | None


@dataclass(frozen=True, slots=True)
class PendingDeletion:
    """Bytes of a deleted version that still have to be removed."""

    address: str
    path: str
    discarded_at: datetime


class Resources:
    """The resources of a tenant: named, versioned uploads."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def get(self, name: str, version: int | None = None) -> ResourceVersion:
        """Return a version of a resource, the latest by default; `NotRecorded` if there is none."""
        return self.versions(name, version)[-1]

    def versions(self, name: str, version: int | None = None) -> list[ResourceVersion]:
        """Return the versions of a resource, the lowest first, or only the requested one."""
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection,
                statements.load_sql("resources/versions"),
                **self._version_key(name, version),
            )
        if not rows:
            raise NotRecorded("resource", name if version is None else f"{name} version {version}")
        return [ResourceVersion.from_row(row) for row in rows]

    def next_version(self, name: str) -> int:
        """Return the number that the next version of a name would have."""
        with self._file.connect_flushed() as connection:
            query = statements.load_sql("resources/highest_number")
            highest: int = statements.fetch_rows(
                connection, query, **self._version_key(name, None)
            )[0][0]
        return highest + 1

    def version_was_used(self, name: str, version: int) -> bool:
        """Say whether a name has, or may have had, a version of this number."""
        with self._file.connect_flushed() as connection:
            query = statements.load_sql("resources/number_used")
            count: int = statements.fetch_rows(
                connection, query, **self._version_key(name, version)
            )[0][0]
        return count > 0

    def change(
        self,
        add: Sequence[ResourceVersion] = (),
        remove: Sequence[DeletionRequest] = (),
        *,
        places: Mapping[str, str],
        expected: ExpectedVersion | None = None,
        copying: CopyRequest | None = None,
    ) -> list[DeletionRequest]:
        """Copy, delete and add versions in one step; return the deleted ones.

        The bytes of deleted versions are pending deletion then. `places` maps each address of bytes
        to the address under which the catalog records them.

        Raises:
            NotRecorded: a version to delete does not exist.
            ContentConflict: a number was used before, or the latest version is not `expected`.
        """
        body: dict[str, object] = {
            "add": [one.to_json() for one in add],
            "remove": [{"name": one.name, "version": one.version} for one in remove],
            "places": dict(places),
        }
        if expected is not None:
            body["stands_on"] = {"name": expected.name, "version": expected.version}
        if copying is not None:
            created_us = int(copying.created_at.timestamp() * 1e6)
            body["copy"] = {
                "name": copying.name,
                "versions": list(copying.versions),
                "to": copying.to,
                "first": copying.first,
                "created_us": created_us,
            }
        result = self._file.submit_and_wait("resources", body)
        return [DeletionRequest(*one) for one in cast("list[tuple[str, int]]", result["removed"])]

    def set_properties(self, name: str, version: int, properties: Mapping[str, str]) -> None:
        """Replace the properties of one version."""
        body = {"name": name, "version": version, "properties": dict(properties)}
        self._file.submit_and_wait("resource-properties", body)

    def pending_deletions(self) -> list[PendingDeletion]:
        """Return the bytes of deleted versions that still have to be removed, the oldest first."""
        query = (
            "SELECT address, path, discarded_at FROM discarded WHERE tenant = $tenant"
            " ORDER BY discarded_at, path"
        )
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(connection, query, tenant=self._file.tenant)
        return [
            PendingDeletion(address, path, at.replace(tzinfo=UTC)) for address, path, at in rows
        ]

    def confirm_deleted(self, address: str, paths: Sequence[str]) -> None:
        """Record that pending bytes were removed from their storage."""
        self._file.submit_and_wait("resources-removed", {"address": address, "paths": list(paths)})

    def holds(self, address: str, path: str) -> bool:
        """Say whether the bytes at a location belong to a version of a resource."""
        query = (
            "SELECT count(*) FROM resources WHERE tenant = $tenant AND address = $address"
            " AND path = $path"
        )
        with self._file.connect_flushed() as connection:
            values = {"tenant": self._file.tenant, "address": address, "path": path}
            count: int = statements.fetch_rows(connection, query, **values)[0][0]
        return count > 0

    def _version_key(self, name: str, version: int | None) -> dict[str, object]:
        return {
            "tenant": self._file.tenant,
            "nkey": path_key(self._file.tenant, name),
            "version": version,
        }

    def page(self, where: ResourceFilter) -> Page[ResourceVersion]:
        """Return one page of the resources that match `where`.

        Raises:
            InvalidInput: a filter, the order or the cursor cannot be read.
        """
        return list_page(self._file, where)

    def property_values(
        self, key: str, *, having: str, within: frozenset[str] | None = None
    ) -> list[str]:
        """Return the values of a property, among the resources that have the property `having`."""
        return property_values(self._file, key, having=having, within=within)
