"""What contracts found in files: recorded once, read again, forgotten with their run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from catalog.model.breach import Breach, FailureCase
from catalog.model.run import Run
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps

CASES = (FailureCase("header"), FailureCase("ge(0)", 3, "price", "-1"))
BROKEN = Breach(
    "prices", "quarantine", "a.csv", "in/a.csv", "e", "ab" * 32, 7, CASES, "there/a.csv"
)
MILD = Breach("mild", "warn", "a.csv", "in/a.csv", None, None, 1, CASES[1:])


def test_failure_cases_are_kept_in_the_order_recorded(desk: CatalogSteps) -> None:
    catalog = desk.catalog
    catalog.runs.start(Run("r", "sync", source=SOURCE, destinations=(HERE,)))
    catalog.runs.record_breaches("r", [MILD, BROKEN])
    catalog.runs.record_breaches("r", [MILD])
    assert catalog.runs.breaches("r") == [MILD, BROKEN, MILD]
    assert catalog.runs.breaches("r", limit=2) == [MILD, replace(BROKEN, cases=CASES[:1])]
    assert catalog.runs.breaches("other") == []


def test_the_view_tells_run_and_file_of_each_case(desk: CatalogSteps) -> None:
    catalog = desk.catalog
    catalog.runs.start(Run("r", "sync", source=SOURCE, destinations=(HERE,)))
    catalog.runs.record_breaches("r", [BROKEN])
    rows = catalog.sql(
        "SELECT source, contract, path, row_number, column_name, failed_check, value, failures"
        " FROM failure_cases ORDER BY row_number NULLS FIRST"
    )
    assert rows == [
        (SOURCE, "prices", "a.csv", None, None, "header", None, 7),
        (SOURCE, "prices", "a.csv", 3, "price", "ge(0)", "-1", 7),
    ]


def test_failure_cases_are_forgotten_with_their_run(desk: CatalogSteps) -> None:
    catalog = desk.catalog
    catalog.runs.start(Run("r", "sync", source=SOURCE, destinations=(HERE,)))
    catalog.runs.end("r", "completed")
    catalog.runs.record_breaches("r", [BROKEN])
    soon = datetime.now(UTC) + timedelta(seconds=1)
    catalog.maintenance.prune_details(soon, dry_run=True)
    assert catalog.runs.breaches("r") == [BROKEN]
    catalog.maintenance.prune_details(soon)
    assert catalog.runs.breaches("r") == []
