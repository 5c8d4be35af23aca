"""What may be asked and recorded of resources: named, versioned uploads of a tenant.

>>> catalog.resource("my/resource.txt").version                 # doctest: +SKIP
2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from catalog import script
from catalog.browsing import PAGE, Asked, Page
from catalog.cursor import encoded
from catalog.errors import InvalidInput, NotRecorded
from catalog.keys import path_key
from catalog.label_filter import conditions, terms
from catalog.resource_version import ResourceVersion
from catalog.tokens import Tokens
from catalog.where import rendered


class Order(StrEnum):
    """How a list is sorted; a dash before it turns it round."""

    NAME = "name"
    TIMESTAMP = "timestamp"
    SIZE = "size"


_SORTED = {Order.NAME: "name", Order.TIMESTAMP: "created_at", Order.SIZE: "coalesce(size, -1)"}


@dataclass(frozen=True, slots=True)
class ResourceFilter:
    """Which resources a list has: names that begin so, properties that fit, one version or all."""

    prefix: str = ""
    properties: str = ""  # as `catalog.label_filter` reads it
    every: bool = False  # every version, not the latest alone
    order: str = "name"  # an `Order`, or with a dash before it
    count: int = PAGE
    cursor: str | None = None  # of the page before
    where: str = ""  # a condition in SQL on a listing's columns, as `catalog.where` reads it


@dataclass(frozen=True, slots=True)
class Removal:
    """A version of a name to delete; all of them where `version` is None."""

    name: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Discarded:
    """Bytes of a deleted version that are still to be removed."""

    address: str
    path: str
    discarded_at: datetime


class Resources(Tokens):
    """A catalog that is asked for resources too."""

    __slots__ = ()

    def resource(self, name: str, version: int | None = None) -> ResourceVersion:
        """Return a version of a resource, the latest by default; `NotRecorded` where none is."""
        return self.resource_versions(name, version)[-1]

    def resource_versions(self, name: str, version: int | None = None) -> list[ResourceVersion]:
        """Return the versions of a resource, the lowest first, or the one asked for."""
        with self._reading() as connection:
            rows = script.ask(
                connection, script.text("resource_versions"), **self._named(name, version)
            )
        if not rows:
            raise NotRecorded("resource", name if version is None else f"{name} version {version}")
        return [ResourceVersion.of_row(row) for row in rows]

    def next_version(self, name: str) -> int:
        """Return the number that the next version of a name would have."""
        with self._reading() as connection:
            query = script.text("resource_highest")
            highest: int = script.ask(connection, query, **self._named(name, None))[0][0]
        return highest + 1

    def version_given(self, name: str, version: int) -> bool:
        """Say whether a name has a version of this number, or may have had one."""
        with self._reading() as connection:
            query = script.text("resource_given")
            count: int = script.ask(connection, query, **self._named(name, version))[0][0]
        return count > 0

    def list_resources(self, where: ResourceFilter) -> Page[ResourceVersion]:
        """Return one page of the resources that `where` lets through.

        Raises:
            InvalidInput: a filter, the order or the cursor cannot be read.
        """
        column, down = _sorted(where.order)
        position = _position(Asked(where.cursor, where.count), where.order)
        narrowed, values = conditions(terms(where.properties), "properties")
        if where.where:
            narrowed += f" AND ({rendered(where.where)})"
        if position:
            narrowed += _after(column, down=down)
            values |= position
        direction = "DESC" if down else "ASC"
        keys = ("name", "version") if column == "name" else (column, "name", "version")
        query = (
            script.text("resource_list")
            .replace("{conditions}", narrowed)
            .replace("{order}", ", ".join(f"{key} {direction}" for key in keys))
        )
        with self._reading() as connection:
            rows = script.ask(
                connection,
                query,
                tenant=self._tenant,
                every=where.every,
                prefix=where.prefix,
                count=where.count + 1,
                **values,
            )
        found = tuple(ResourceVersion.of_row(row) for row in rows[: where.count])
        more = len(rows) > where.count
        return Page(found, encoded(*_keys(found[-1], where.order)) if more else None)

    def property_values(self, key: str, *, having: str) -> list[str]:
        """Return the values that a property has, of the resources that have another one."""
        with self._reading() as connection:
            rows = script.ask(
                connection,
                script.text("resource_values"),
                tenant=self._tenant,
                key=f'$."{key}"',
                having=f'$."{having}"',
            )
        return [value for (value,) in rows]

    def change_resources(
        self,
        add: Sequence[ResourceVersion] = (),
        remove: Sequence[Removal] = (),
        *,
        places: Mapping[str, str],
    ) -> list[ResourceVersion]:
        """Delete versions and add others in one step; return those deleted.

        Their bytes are `discarded` from then on. `places` maps each address that bytes lie at to
        the one under which the catalog tells of them.

        Raises:
            NotRecorded: a version to delete is not there.
            ContentConflict: a number to add was given before.
        """
        body = {
            "add": [one.as_json() for one in add],
            "remove": [{"name": one.name, "version": one.version} for one in remove],
            "places": dict(places),
        }
        result = self._ask("resources", body)
        return [
            ResourceVersion.of_json(one) for one in cast("list[dict[str, Any]]", result["removed"])
        ]

    def set_properties(self, name: str, version: int, properties: Mapping[str, str]) -> None:
        """Replace the properties of one version."""
        body = {"name": name, "version": version, "properties": dict(properties)}
        self._ask("resource-properties", body)

    def discarded(self) -> list[Discarded]:
        """Return the bytes of deleted versions that are still to be removed, the oldest first."""
        query = (
            "SELECT address, path, discarded_at FROM discarded WHERE tenant = $tenant"
            " ORDER BY discarded_at, path"
        )
        with self._reading() as connection:
            rows = script.ask(connection, query, tenant=self._tenant)
        return [Discarded(address, path, at.replace(tzinfo=UTC)) for address, path, at in rows]

    def forget_discarded(self, address: str, paths: Sequence[str]) -> None:
        """Tell that discarded bytes are gone from their storage."""
        self._ask("resources-removed", {"address": address, "paths": list(paths)})

    def is_resource(self, address: str, path: str) -> bool:
        """Say whether the bytes at a place are those of a resource's version."""
        query = (
            "SELECT count(*) FROM resources WHERE tenant = $tenant AND address = $address"
            " AND path = $path"
        )
        with self._reading() as connection:
            values = {"tenant": self._tenant, "address": address, "path": path}
            count: int = script.ask(connection, query, **values)[0][0]
        return count > 0

    def _named(self, name: str, version: int | None) -> dict[str, object]:
        return {"tenant": self._tenant, "nkey": path_key(self._tenant, name), "version": version}


def _sorted(order: str) -> tuple[str, bool]:
    try:
        return _SORTED[Order(order.removeprefix("-"))], order.startswith("-")
    except ValueError as error:
        known = ", ".join(Order)
        raise InvalidInput(f"cannot order by {order!r}; known: {known}, or -name …") from error


def _after(column: str, *, down: bool) -> str:
    sign = "<" if down else ">"
    if column == "name":
        outer = f"name {sign}= $after_name"  # lets whole groups of rows be passed over
        return f" AND {outer} AND (name, version) {sign} ($after_name, $after_version)"
    return f" AND ({column}, name, version) {sign} ($after_value, $after_name, $after_version)"


def _keys(one: ResourceVersion, order: str) -> tuple[str | int, ...]:
    """Return what a cursor holds of the last row of a page: the order, and what that sorts by."""
    match Order(order.removeprefix("-")):
        case Order.TIMESTAMP:
            return (order, int(one.created_at.timestamp() * 1e6), one.name, one.version)
        case Order.SIZE:
            return (order, -1 if one.size is None else one.size, one.name, one.version)
        case Order.NAME:
            return (order, one.name, one.version)


def _position(asked: Asked, order: str) -> dict[str, object]:
    """Return the values that a page begins behind; none of the first."""
    column = order.removeprefix("-")
    sorted_by = () if column == Order.NAME else (int,)
    made_for, *value, name, version = asked.after(str, *sorted_by, str, int)
    if asked.cursor is None:
        return {}
    if made_for != order:
        raise InvalidInput(f"the cursor {asked.cursor!r} is none of a list in this order")
    found: dict[str, object] = {"after_name": name, "after_version": version}
    if column == Order.TIMESTAMP:
        moment = datetime.fromtimestamp(int(value[0] or 0) / 1e6, tz=UTC)
        found["after_value"] = moment.replace(tzinfo=None)
    elif column == Order.SIZE:
        found["after_value"] = value[0]
    return found
