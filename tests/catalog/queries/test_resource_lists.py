"""Lists with a condition of a caller's own: right on every page, asked outside of the catalog."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.access.grants import Role
from catalog.catalog import Catalog
from catalog.errors import AnswerTimeout, InvalidInput
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.lists import ResourceFilter
from catalog.store.query_budget import Budget, query_budget

SHELF = "file:///srv/shelf"
BEGAN = datetime(2026, 5, 1, tzinfo=UTC)
SLOW = "sha256(" * 110 + "path" + ")" * 110 + " = 'x'"


Key = tuple[datetime | int | str, ...]


def by_name(one: ResourceVersion) -> Key:
    """Return what a list sorts by."""
    return (one.name,)


def by_time(one: ResourceVersion) -> Key:
    """Return what a list sorts by."""
    return (one.created_at, one.name)


def by_size(one: ResourceVersion) -> Key:
    """Return what a list sorts by: what is unknown comes first."""
    return (-1 if one.size is None else one.size, one.name)


BY = {"name": by_name, "timestamp": by_time, "size": by_size}


def filled(catalog: Catalog, count: int, folder: str = "many") -> list[ResourceVersion]:
    """Give a tenant so many resources, and return them."""
    every = [
        ResourceVersion(
            f"{folder}/{place:06d}",
            0,
            BEGAN + timedelta(seconds=(place * 7919) % count),
            (place * 31) % 1000 if place % 10 else None,
            f"{place:064x}",
            None,
            "local",
            f"{SHELF}/{place}",
            address=SHELF,
            path=f"0/{folder}/{place:06d}",
            properties={"kind": "even" if place % 2 == 0 else "odd"},
        )
        for place in range(count)
    ]
    catalog.resources.change(every, places={SHELF: SHELF})
    return every


def every_page(catalog: Catalog, where: ResourceFilter) -> list[str]:
    """Return the names of all pages of a list."""
    found: list[str] = []
    cursor = None
    while True:
        page = catalog.resources.page(
            ResourceFilter(
                where.prefix,
                where.properties,
                where.every,
                where.order,
                where.count,
                cursor,
                where.where,
                where.within,
            )
        )
        found += [one.name for one in page.rows]
        if page.next_cursor is None:
            return found
        assert len(page.rows) == where.count
        cursor = page.next_cursor


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalog, list[ResourceVersion]]:
    """A catalog whose rows are more than are copied out at once."""
    catalog = Catalog(tmp_path_factory.mktemp("library") / "catalog.duckdb")
    every = filled(catalog, 5000)
    filled(catalog.for_tenant("other"), 10)
    return catalog, every


@pytest.mark.parametrize("order", ["name", "-name", "timestamp", "-timestamp", "size", "-size"])
def test_a_condition_finds_the_same_on_pages_in_every_order(
    library: tuple[Catalog, list[ResourceVersion]], order: str
) -> None:
    catalog, every = library
    fitting = [one for one in every if one.size is not None and 100 < one.size < 400]
    fitting.sort(key=BY[order.removeprefix("-")], reverse=order.startswith("-"))
    where = ResourceFilter(order=order, count=700, where="size > 100 and size < 400")
    assert every_page(catalog, where) == [one.name for one in fitting]


def test_properties_and_a_condition_both_narrow(
    library: tuple[Catalog, list[ResourceVersion]],
) -> None:
    catalog, every = library
    where = ResourceFilter(properties="kind=even", where="size = 62", count=10)
    fitting = [one.name for one in every if one.size == 62 and one.properties["kind"] == "even"]
    assert every_page(catalog, where) == fitting
    alone = ResourceFilter("many/0000", properties="kind=odd", count=30)
    assert every_page(catalog, alone) == [f"many/{place:06d}" for place in range(1, 100, 2)]
    nothing = ResourceFilter(where="path = 'x'", count=10)
    assert every_page(catalog, nothing) == []
    assert every_page(catalog, ResourceFilter(where="size > NULL", count=10)) == []


def test_a_condition_meets_the_rows_within_alone(
    library: tuple[Catalog, list[ResourceVersion]],
) -> None:
    catalog, _ = library
    fails = "cast(parse_filename(path) as int) < 3 and cast(parse_dirname(path) as int) > 0"
    within = frozenset(["elsewhere"])
    assert every_page(catalog, ResourceFilter(where=fails, within=within)) == []
    with pytest.raises(InvalidInput, match="cannot use the condition"):
        catalog.resources.page(ResourceFilter(where=fails))


def test_nothing_of_the_rows_that_were_copied_out_is_left(
    library: tuple[Catalog, list[ResourceVersion]],
) -> None:
    catalog, _ = library
    for where in ("size > 990", "cast(path as int) = 0"):
        try:
            catalog.resources.page(ResourceFilter(where=where, count=5))
        except InvalidInput:
            continue
    assert list((catalog.folder / "tmp").glob("*.resources")) == []


def test_others_write_while_a_condition_is_asked(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    catalog.keep_open()
    filled(catalog, 40_000)
    budget, begun = Budget(3600), threading.Event()

    def asks() -> None:
        with query_budget(budget):
            begun.set()
            catalog.resources.page(ResourceFilter(where=SLOW, every=True))

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(asks)
        assert begun.wait(60)
        for place in range(3):
            catalog.for_tenant("other").tokens.create(Role.READER, note=str(place))
        running = not asking.done()
        budget.leave()  # and it ends with who asked
        with pytest.raises(AnswerTimeout, match="has left"):
            asking.result(120)
    assert running
    assert len(catalog.for_tenant("other").tokens.all()) == 3
