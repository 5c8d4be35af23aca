"""The queries of docs/sql.md, run exactly as they stand there."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catalog.catalog import Catalog
from catalog.model.breach import Breach, FailureCase
from catalog.model.diff import DiffRow
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from catalog.model.run import Run
from catalog.store.statements import Row
from tests.catalog.catalog_steps import CatalogSteps, file

PAGE = (Path(__file__).parents[3] / "docs" / "sql.md").read_text()
QUERIES: list[str] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
B, OTHER = "s3://b", "s3://other"
BYTES = [Digest.of(name.encode()) for name in ("one", "two")]


def named(*words: str) -> str:
    """Return the one query of the page that holds all `words`."""
    (found,) = (query for query in QUERIES if all(word in query for word in words))
    return found


@pytest.fixture
def march(desk: CatalogSteps) -> Catalog:
    """Return a catalog in which two runs changed B on 2 and on 5 March."""
    catalog = desk.catalog

    def listed(address: str, run_id: str, *files: Resource) -> None:
        catalog.runs.start(Run(run_id, "sync", source="s3://source", destinations=(address,)))
        catalog.versions.record_listing(address, desk.listing(files), run_id=run_id)

    listed(B, "second", file("a", 1, "e", BYTES[0]), file("b", 2, "e", BYTES[1]))
    listed(B, "fifth", file("b", 3, "f", BYTES[0]), file("c", 4))
    case = FailureCase("greater_than(0)", 3, "price", "-1")
    catalog.runs.record_breaches(
        "fifth", [Breach("prices", "warn", "c", "c", None, None, 1, (case,))]
    )
    listed(OTHER, "third", file("x", 9, "e", BYTES[0]))
    with duckdb.connect(str(catalog.path)) as connection:
        for number, day in ((0, 1), (1, 2), (2, 5)):
            connection.execute(
                "UPDATE repository_versions SET created_at = ? WHERE number = ? AND repository ="
                " (SELECT repository FROM repositories WHERE address = ?)",
                [datetime(2026, 3, day), number, B],  # noqa: DTZ001 - as the catalog keeps it
            )
        connection.execute(
            "UPDATE repository_versions SET created_at = TIMESTAMP '2026-03-03 12:00:00'"
            " WHERE run_id = 'third'"
        )
    return catalog


def test_every_query_of_the_page_finds_something(march: Catalog) -> None:
    assert len(QUERIES) == 7
    for query in QUERIES:
        assert march.sql(query), query


def test_the_python_of_the_page_asks_the_catalog(
    march: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_CATALOG", str(march.path))
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    here: dict[str, Any] = {}
    exec(code.replace("s3://archive", B), here)  # noqa: S102 - our own page

    assert {row[0] for row in here["rows"]} >= {B, OTHER}
    assert here["table"]["number"].to_list() == [0, 1, 2]


def test_what_b_held_on_3_march_and_which_run_put_it_there(march: Catalog) -> None:
    rows = march.sql(named("content_at", "LEFT JOIN runs"))

    day = datetime(2026, 3, 2)  # noqa: DTZ001 - as the catalog keeps it
    assert [row[:7] for row in rows] == [
        ("a", 1, BYTES[0].value, day, "second", "sync", "s3://source"),
        ("b", 2, BYTES[1].value, day, "second", "sync", "s3://source"),
    ]


def test_all_repositories_at_a_moment(march: Catalog) -> None:
    assert march.sql(named("resources_at", "GROUP BY")) == [(B, 2, 3), (OTHER, 1, 9)]
    rows = march.sql(named("resources_at", "digest ="))
    assert [(row[0], row[1], row[3]) for row in rows] == [
        (B, "a", "second"),
        (OTHER, "x", "third"),
    ]


def test_a_diff_in_sql_is_the_diff_of_python(march: Catalog) -> None:
    rows: list[Row] = march.sql(named("version_diff"))

    assert [DiffRow.from_row(row[:6]) for row in rows] == list(march.versions.diff(B, 1, 2))
    assert [(row[0], row[6]) for row in rows] == [("a", None), ("b", "fifth"), ("c", "fifth")]
    assert march.sql("FROM version_diff(?, 1, 99)", [B]) == []


def test_one_path_through_all_versions(march: Catalog) -> None:
    rows = march.sql(named("version_content WHERE path"))

    assert [(row[0], row[2], row[3], row[6]) for row in rows] == [
        (B, 1, 1, "second"),
        (B, 2, 2, "fifth"),
    ]


def test_content_in_sql_is_the_content_of_python(march: Catalog) -> None:
    for number in (0, 1, 2):
        rows = march.sql("SELECT path, digest FROM content_of(?, ?) ORDER BY path", [B, number])
        assert rows == [(row.path, row.digest) for row in march.versions.content(B, number)]
    moment = datetime(2026, 3, 4)  # noqa: DTZ001 - as the catalog keeps it
    rows = march.sql("SELECT path FROM content_at(?, ?) ORDER BY path", [B, moment])
    assert rows == [(row.path,) for row in march.versions.content_at(B, moment)] == [("a",), ("b",)]
    assert march.sql("FROM content_at(?, '1999-01-01')", [B]) == []


def test_a_frame_has_the_names_and_the_rows_of_a_query(march: Catalog) -> None:
    query = "SELECT number, total FROM versions WHERE address = $b ORDER BY number"
    frame = march.frame(query, {"b": B})

    assert frame.columns == ["number", "total"]
    assert frame.rows() == march.sql(query, {"b": B})
    assert march.frame(query, {"b": "s3://nowhere"}).columns == ["number", "total"]


def test_a_list_of_versions_is_readable_in_a_prompt(march: Catalog) -> None:
    first, second = march.versions.all(B)[1:]

    told = f"<version 2 of {B}, 2026-03-05 00:00:00 UTC: +1 ~1 -1, 2 files, 7 bytes>"
    assert repr(second) == told
    assert repr([first, second]) == f"[{first!r}, {told}]"
