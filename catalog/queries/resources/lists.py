"""Pages of a tenant's resources, filtered by names, properties and a condition in SQL.

>>> catalog.resources.page(ResourceFilter("models/", where="size > 10"))   # doctest: +SKIP
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from catalog.catalog_file import CatalogFile
from catalog.errors import InvalidInput
from catalog.filters.condition import render_condition, reporting_condition_errors
from catalog.filters.labels import parse_terms, sql_conditions
from catalog.filters.name_prefixes import prefix_conditions
from catalog.model.resource_version import ResourceVersion
from catalog.queries.cursors import encode_cursor
from catalog.queries.paging import DEFAULT_PAGE_ROWS, Page, PageRequest
from catalog.queries.resources.condition_sandbox import (
    FIRST_PAGE,
    LARGEST_PAGE,
    ConditionSandbox,
    SliceSize,
)
from catalog.store import statements
from catalog.store.parquet import export_rows, temporary_path
from catalog.store.query_budget import time_limit

Values = dict[str, object]


class SortOrder(StrEnum):
    """How a list is sorted; a leading dash reverses it."""

    NAME = "name"
    TIMESTAMP = "timestamp"
    SIZE = "size"


_SORT_COLUMNS = {
    SortOrder.NAME: "name",
    SortOrder.TIMESTAMP: "created_at",
    SortOrder.SIZE: "coalesce(size, -1)",
}


@dataclass(frozen=True, slots=True)
class ResourceFilter:
    """Selects resources by name, properties and condition, and whether all versions are listed."""

    prefix: str = ""
    properties: str = ""  # as `catalog.filters.labels` reads it
    every: bool = False  # every version, not the latest alone
    order: str = "name"  # a `SortOrder`, optionally with a leading dash
    count: int = DEFAULT_PAGE_ROWS
    cursor: str | None = None  # of the page before
    where: str = ""  # an SQL condition, as `catalog.filters.condition` reads it
    within: frozenset[str] | None = None  # names below one of these prefixes; None: any


def list_page(file: CatalogFile, where: ResourceFilter) -> Page[ResourceVersion]:
    """Return one page of the resources that match `where`.

    Raises:
        InvalidInput: a filter, the order or the cursor cannot be read.
    """
    _sort_column(where.order)
    position = _decode_position(PageRequest(where.cursor, where.count), where.order)
    if where.where or where.properties:
        rows = _filter_rows(file, where, position)
    else:
        query, values = _page_query("resources/list", where, position)
        with file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection, query, tenant=file.tenant, count=where.count + 1, **values
            )
    versions = tuple(ResourceVersion.from_row(row) for row in rows[: where.count])
    more = len(rows) > where.count
    return Page(versions, encode_cursor(*_cursor_keys(versions[-1], where.order)) if more else None)


def _filter_rows(
    file: CatalogFile, where: ResourceFilter, position: Values
) -> list[statements.Row]:
    """Return the rows of a page, plus one, that satisfy the user's own condition."""
    narrowed, parameters = sql_conditions(parse_terms(where.properties), "properties")
    condition = f"(true{narrowed})"
    if where.where:
        condition += f" AND coalesce(({render_condition(where.where)}), false)"
    filtering = statements.load_sql("resources/matching_condition").replace(
        "{condition}", condition
    )
    rows: list[statements.Row] = []
    check, page = time_limit(), SliceSize(FIRST_PAGE, LARGEST_PAGE)
    while True:
        check()
        copy = temporary_path(file.folder / "tmp", "resources")
        query, values = _page_query("resources/page_for_condition", where, position)
        began_s = time.monotonic()
        try:
            with file.connect_flushed() as connection:
                values |= {"tenant": file.tenant, "count": page.count}
                export_rows(connection, copy, query, **values)
            took_s = time.monotonic() - began_s
            with (
                closing(ConditionSandbox(copy, file.folder / "tmp" / "spill")) as sandbox,
                reporting_condition_errors(where.where),
            ):
                for row in sandbox.rows(filtering, check, **parameters):
                    rows.append(row)
                    if len(rows) > where.count:
                        return rows
                if sandbox.count < page.count:
                    return rows
                last = sandbox.last_row("name, version, created_at, size")
                position = _position_after(last, where.order)
        finally:
            copy.unlink(missing_ok=True)
        page = page.adjusted(took_s)


def property_values(
    file: CatalogFile, key: str, *, having: str, within: frozenset[str] | None = None
) -> list[str]:
    """Return the values of a property, among the resources that have the property `having`."""
    seen, values = prefix_conditions(within)
    with file.connect_flushed() as connection:
        rows = statements.fetch_rows(
            connection,
            statements.load_sql("resources/values").replace("{conditions}", seen),
            tenant=file.tenant,
            key=f'$."{key}"',
            having=f'$."{having}"',
            **values,
        )
    return [value for (value,) in rows]


def _page_query(name: str, where: ResourceFilter, position: Values) -> tuple[str, Values]:
    """Return the SQL for a page of rows after a position, and its parameters."""
    column, down = _sort_column(where.order)
    narrowed, values = prefix_conditions(where.within)
    if position:
        narrowed += _cursor_condition(column, down=down)
    direction = "DESC" if down else "ASC"
    keys = ("name", "version") if column == "name" else (column, "name", "version")
    query = (
        statements.load_sql(name)
        .replace("{conditions}", narrowed)
        .replace("{order}", ", ".join(f"{key} {direction}" for key in keys))
    )
    return query, {**values, **position, "every": where.every, "prefix": where.prefix}


def _position_after(last: statements.Row, order: str) -> Values:
    """Return the position after a row, as SQL parameters."""
    name, version, created_at, size = last
    position: Values = {"after_name": name, "after_version": version}
    match SortOrder(order.removeprefix("-")):
        case SortOrder.TIMESTAMP:
            position["after_value"] = created_at
        case SortOrder.SIZE:
            position["after_value"] = -1 if size is None else size
        case SortOrder.NAME:
            pass
    return position


def _sort_column(order: str) -> tuple[str, bool]:
    try:
        return _SORT_COLUMNS[SortOrder(order.removeprefix("-"))], order.startswith("-")
    except ValueError as error:
        known = ", ".join(SortOrder)
        raise InvalidInput(f"cannot order by {order!r}: expected {known}, or -name …") from error


def _cursor_condition(column: str, *, down: bool) -> str:
    sign = "<" if down else ">"
    if column == "name":
        outer = f"name {sign}= $after_name"  # lets DuckDB skip whole row groups
        return f" AND {outer} AND (name, version) {sign} ($after_name, $after_version)"
    return f" AND ({column}, name, version) {sign} ($after_value, $after_name, $after_version)"


def _cursor_keys(one: ResourceVersion, order: str) -> tuple[str | int, ...]:
    """Return the cursor keys of the last row of a page: the order and its sort values."""
    match SortOrder(order.removeprefix("-")):
        case SortOrder.TIMESTAMP:
            return (order, int(one.created_at.timestamp() * 1e6), one.name, one.version)
        case SortOrder.SIZE:
            return (order, -1 if one.size is None else one.size, one.name, one.version)
        case SortOrder.NAME:
            return (order, one.name, one.version)


def _decode_position(request: PageRequest, order: str) -> dict[str, object]:
    """Return the position of a cursor as SQL parameters; none for the first page."""
    column = order.removeprefix("-")
    sorted_by = () if column == SortOrder.NAME else (int,)
    made_for, *value, name, version = request.cursor_keys(str, *sorted_by, str, int)
    if request.cursor is None:
        return {}
    if made_for != order:
        raise InvalidInput(f"the cursor {request.cursor!r} belongs to a list in another order")
    position: dict[str, object] = {"after_name": name, "after_version": version}
    if column == SortOrder.TIMESTAMP:
        try:
            moment = datetime.fromtimestamp(int(value[0] or 0) / 1e6, tz=UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidInput(f"the cursor {request.cursor!r} is invalid") from error
        position["after_value"] = moment.replace(tzinfo=None)
    elif column == SortOrder.SIZE:
        position["after_value"] = value[0]
    return position
