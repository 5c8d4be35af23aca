"""Resources of a tenant: counted by name from 0, listed by pages, never renumbered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from operator import attrgetter
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import ContentConflict, InvalidInput, NotRecorded
from catalog.filters.labels import parse_terms
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.lists import ResourceFilter
from catalog.queries.resources.uploads import DeletionRequest

SHELF = "file:///srv/shelf"
PLACES = {SHELF: f"{SHELF}/.entrepot/numbers"}
_moments = count(1_700_000_000)


def made(name: str, version: int, **more: object) -> ResourceVersion:
    return replace(
        ResourceVersion(
            name,
            version,
            datetime.fromtimestamp(next(_moments), tz=UTC),
            size=3,
            digest="ab" * 32,
            content_type="text/plain",
            storage_type="local",
            url=f"{SHELF}/{version}/{name}",
            address=SHELF,
            path=f"{version}/{name}",
        ),
        **more,  # type: ignore[arg-type]
    )


def put(catalog: Catalog, *every: ResourceVersion) -> None:
    catalog.resources.change(every, places=PLACES)


def test_what_was_put_is_what_is_told(catalog: Catalog) -> None:
    first = made("a/b.txt", 0, properties={"author": "bob"}, digests=("md5:" + "0" * 32,))
    put(catalog, first, made("a/b.txt", 1))
    assert catalog.resources.get("a/b.txt", 0) == first
    assert catalog.resources.get("a/b.txt").version == 1
    assert [one.version for one in catalog.resources.versions("a/b.txt")] == [0, 1]
    assert catalog.resources.next_version("a/b.txt") == 2
    assert catalog.resources.next_version("new") == 0
    (place,) = {one.address for one in catalog.holdings.locations("ab" * 32)}
    assert place == PLACES[SHELF]


def test_a_number_is_given_once(catalog: Catalog) -> None:
    put(catalog, made("a", 0))
    with pytest.raises(ContentConflict, match="version 0"):
        put(catalog, made("a", 0))
    catalog.resources.change(remove=[DeletionRequest("a")], places=PLACES)
    with pytest.raises(ContentConflict):
        put(catalog, made("a", 0))
    assert catalog.resources.next_version("a") == 1


def test_deleting_takes_one_version_or_all(catalog: Catalog) -> None:
    put(catalog, made("a", 0), made("a", 1), made("a", 2))
    (gone,) = catalog.resources.change(remove=[DeletionRequest("a", 2)], places=PLACES)
    assert gone.version == 2
    assert catalog.resources.get("a").version == 1
    assert [one.path for one in catalog.resources.pending_deletions()] == ["2/a"]
    assert len(catalog.resources.change(remove=[DeletionRequest("a")], places=PLACES)) == 2
    with pytest.raises(NotRecorded, match="'a'"):
        catalog.resources.get("a")
    with pytest.raises(NotRecorded):
        catalog.resources.change(remove=[DeletionRequest("a")], places=PLACES)
    catalog.resources.confirm_deleted(SHELF, ["0/a", "1/a", "2/a"])
    assert not catalog.resources.pending_deletions()
    assert not catalog.holdings.locations("ab" * 32)


def test_a_move_that_is_refused_leaves_both_as_they_were(catalog: Catalog) -> None:
    put(catalog, made("a", 0), made("b", 0))
    with pytest.raises(ContentConflict):
        catalog.resources.change([made("b", 0)], [DeletionRequest("a")], places=PLACES)
    assert catalog.resources.get("a").version == 0
    assert not catalog.resources.pending_deletions()


def test_bytes_that_another_name_has_too_are_not_discarded(catalog: Catalog) -> None:
    put(catalog, made("a", 0), made("b", 0, path="0/a"))
    catalog.resources.change(remove=[DeletionRequest("a")], places=PLACES)
    assert not catalog.resources.pending_deletions()


def test_properties_are_replaced_and_filtered_by(catalog: Catalog) -> None:
    put(catalog, made("a", 0, properties={"author": "bob"}), made("b", 0))
    catalog.resources.set_properties("b", 0, {"author": "ann, b", "draft": "yes"})
    for text, names in {
        "author=bob": ["a"],
        "author!=bob": ["b"],
        r"author=ann\, b": ["b"],
        "author~nn": ["b"],
        "author": ["a", "b"],
        "!draft": ["a"],
        "author,draft": ["b"],
    }.items():
        page = catalog.resources.page(ResourceFilter(properties=text))
        assert [one.name for one in page.rows] == names, text
        told = [
            one.name
            for one in map(catalog.resources.get, ("a", "b"))
            if all(term.matches(one.properties) for term in parse_terms(text))
        ]
        assert told == names, text
    with pytest.raises(InvalidInput, match="=bob"):
        catalog.resources.page(ResourceFilter(properties="=bob"))


def test_a_condition_of_ones_own_narrows_a_list(catalog: Catalog) -> None:
    put(catalog, *(made(f"d/{n}.{end}", 0, size=n) for n in range(4) for end in ("csv", "txt")))
    where = ResourceFilter(where="size > 1 and (path like '%.csv' or not size = 2)")
    found = [one.name for one in catalog.resources.page(where).rows]
    assert found == ["d/2.csv", "d/3.csv", "d/3.txt"]
    assert catalog.resources.page(where).rows[0].path == "0/d/2.csv"
    for wrong in ("size >", "address = 'x'", "1; drop table resources", "read_text('/etc/passwd')"):
        with pytest.raises(InvalidInput, match="where"):
            catalog.resources.page(ResourceFilter(where=wrong))


@pytest.mark.parametrize("order", ["name", "-name", "timestamp", "-timestamp", "size", "-size"])
@pytest.mark.parametrize("every", [False, True])
def test_pages_hold_everything_once_in_order(
    catalog: Catalog,
    order: str,
    every: bool,  # noqa: FBT001 - a case
) -> None:
    put(catalog, *(made(f"d/{n % 7}", n // 7, size=n % 3) for n in range(21)), made("x", 0))
    found: list[ResourceVersion] = []
    cursor = None
    while True:
        where = ResourceFilter(prefix="d/", every=every, order=order, count=4, cursor=cursor)
        page = catalog.resources.page(where)
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len({(one.name, one.version) for one in found}) == len(found) == (21 if every else 7)
    by = {"name": "name", "timestamp": "created_at", "size": "size"}[order.removeprefix("-")]
    key = attrgetter(by, "name", "version")
    assert found == sorted(found, key=key, reverse=order.startswith("-"))


@pytest.mark.parametrize("cursor", ["x", "", "bnVsbA", "W10"])
def test_a_cursor_of_something_else_is_refused(catalog: Catalog, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        catalog.resources.page(ResourceFilter(cursor=cursor))


def test_tenants_do_not_see_each_other(catalog: Catalog) -> None:
    other = Catalog(Path(catalog.path), tenant="other")
    put(catalog, made("a", 0))
    with pytest.raises(NotRecorded):
        other.resources.get("a")
    assert not other.resources.page(ResourceFilter()).rows
    put(other, made("a", 0))
    assert other.resources.next_version("a") == catalog.resources.next_version("a") == 1
