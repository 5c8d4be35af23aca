"""The selection language: one table of cases, through the catalog as a plan decides it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import InvalidInput
from catalog.inbox.plan_request import request_from_json, request_to_json
from catalog.model.digest import Digest
from catalog.model.plan import Mode, PlanRequest, Selection, Sorting
from catalog.model.resource import Resource
from tests.catalog.catalog_steps import SOURCE, CatalogSteps

S = 1_000_000  # microseconds
NOW = 1_700_000_000 * S
HOUR = 3600.0


def aged(path: str, size: int | None, hours: float | None, **more: object) -> Resource:
    modified_us = None if hours is None else NOW - round(hours * HOUR * S)
    return Resource(path, size=size, modified_us=modified_us, **more)  # type: ignore[arg-type]


FILES = [
    aged("a.csv", 10, 1, etag="x", content_type="text/csv"),
    aged("a.csv.done", 0, 0.5),
    aged("b/new.csv", 200, 0.01, digests=(Digest.of(b"new"),)),
    aged("b/old.txt", 3000, 48, properties={"kind": "final"}),
    aged("b/_SUCCESS", 0, 1),
    aged("c/unknown", None, None),
    aged("c/$x;\ny'", 7, 5),
]
EVERYTHING = {one.path for one in FILES}

CASES: dict[str, tuple[Selection, set[str]]] = {
    "nothing said": (Selection(), EVERYTHING),
    "globs": (Selection(include=("*.csv",), exclude=("b/**",)), {"a.csv"}),
    "two lists of globs": (Selection(include=("*.csv",), also_include=("b/**",)), {"b/new.csv"}),
    "regex is searched for": (Selection(include_regex=("new",)), {"b/new.csv"}),
    "regex, anchored": (
        Selection(include_regex=(r"^b/.*\.(csv|txt)$",)),
        {"b/new.csv", "b/old.txt"},
    ),
    "any regex of several": (
        Selection(include_regex=("^a", "(?i)NEW")),
        {"a.csv", "a.csv.done", "b/new.csv"},
    ),
    "no regex of several": (
        Selection(exclude_regex=("^b/", "done$", "^c")),
        {"a.csv"},
    ),
    "min size": (Selection(min_size=200), {"b/new.csv", "b/old.txt"}),
    "max size": (Selection(max_size=7), {"a.csv.done", "b/_SUCCESS", "c/$x;\ny'"}),
    "both sizes": (Selection(min_size=10, max_size=200), {"a.csv", "b/new.csv"}),
    "min size 0 wants a known size": (Selection(min_size=0), EVERYTHING - {"c/unknown"}),
    "min age": (Selection(min_age_s=5 * HOUR), {"b/old.txt", "c/$x;\ny'"}),
    "max age": (Selection(max_age_s=0.5 * HOUR), {"a.csv.done", "b/new.csv"}),
    "both ages": (
        Selection(min_age_s=HOUR, max_age_s=5 * HOUR),
        {"a.csv", "b/_SUCCESS", "c/$x;\ny'"},
    ),
    "skip": (Selection(skip=5), {"c/$x;\ny'", "c/unknown"}),
    "take": (Selection(take=2), {"a.csv", "a.csv.done"}),
    "skip and take after the filters": (
        Selection(exclude=("*.csv",), skip=1, take=2),
        {"b/_SUCCESS", "b/old.txt"},
    ),
    "take none": (Selection(take=0), set()),
    "skip all": (Selection(skip=100), set()),
    "the largest": (Selection(order=Sorting.SIZE_DESCENDING, take=1), {"b/old.txt"}),
    "the smallest, ties by path": (Selection(order=Sorting.SIZE, take=1), {"a.csv.done"}),
    "the newest": (Selection(order=Sorting.MODIFIED_DESCENDING, take=1), {"b/new.csv"}),
    "the oldest": (Selection(order=Sorting.MODIFIED, take=1), {"b/old.txt"}),
    "unknown sizes come last": (
        Selection(order=Sorting.SIZE_DESCENDING, skip=6),
        {"c/unknown"},
    ),
    "the last path": (Selection(order=Sorting.PATH_DESCENDING, take=1), {"c/unknown"}),
    "where": (Selection(where="size % 2 = 1 OR path LIKE '%.txt'"), {"b/old.txt", "c/$x;\ny'"}),
    "where that is NULL": (Selection(where="size > 0 OR NULL"), EVERYTHING - {
        "a.csv.done", "b/_SUCCESS", "c/unknown"}),
    "where on the type": (Selection(where="content_type = 'text/csv'"), {"a.csv"}),
    "where on a property": (Selection(where="properties->>'$.kind' = 'final'"), {"b/old.txt"}),
    "where on a digest": (Selection(where=f"sha256 = '{Digest.of(b'new').value}'"), {"b/new.csv"}),
    "where on the etag": (Selection(where="etag IS NOT NULL"), {"a.csv"}),
    "where on the day": (
        Selection(where="make_timestamp(modified_us) < TIMESTAMP '2023-11-13'"),
        {"b/old.txt"},
    ),
    "where with a comment": (Selection(where="size = 10 -- ten"), {"a.csv"}),
    "where with a name like a parameter": (Selection(where="path = 'c/$x;\ny'''"), {"c/$x;\ny'"}),
    "settled by time": (
        Selection(settled_s=HOUR),
        {"a.csv", "b/old.txt", "b/_SUCCESS", "c/$x;\ny'"},
    ),
    "a marker for each file": (Selection(settled_marker="{path}.done"), {"a.csv"}),
    "a marker beside the file": (Selection(settled_marker="{stem}.csv.done"), {"a.csv"}),
    "a marker for each folder": (
        Selection(settled_marker="{folder}_SUCCESS"),
        {"b/new.csv", "b/old.txt"},
    ),
    "all at once": (
        Selection(
            include=("*.csv", "*.txt"),
            exclude_regex=("^a",),
            min_size=1,
            min_age_s=1,
            where="size < 5000",
            order=Sorting.SIZE_DESCENDING,
            take=1,
        ),
        {"b/old.txt"},
    ),
}  # fmt: skip


def chosen(
    desk: CatalogSteps, files: list[Resource], selection: Selection, mode: Mode
) -> PlanRequest:
    asked = replace(selection, allow_empty=True, as_of_us=selection.as_of_us or NOW)
    return replace(desk.request(files), selection=asked, mode=mode)


def taken(desk: CatalogSteps, files: list[Resource], selection: Selection) -> set[str]:
    plan = desk.catalog.plans.make(chosen(desk, files, selection, Mode.ADDITIVE))
    return {item.path for item in desk.items(plan)}


@pytest.mark.parametrize(("selection", "paths"), CASES.values(), ids=list(CASES))
def test_a_selection_takes(desk: CatalogSteps, selection: Selection, paths: set[str]) -> None:
    assert taken(desk, FILES, selection) == paths


HOSTILE = {
    "subquery": "size > (SELECT 1)",
    "another table": "EXISTS (FROM locations)",
    "a file": "path IN (SELECT content FROM read_text('/etc/passwd'))",
    "read_csv": "true FROM read_csv('/etc/passwd')",
    "union": "true UNION SELECT true",
    "pragma": "PRAGMA database_list",
    "two statements": "true; DROP TABLE content",
    "closing the bracket": "true) FROM content --",
    "the environment": "getenv('HOME') <> ''",
    "the environment by its full name": "system.main.getenv('HOME') <> ''",
    "a setting": "current_setting('memory_limit') <> ''",
    "a query as text": "query('SELECT 1')",
    "the clock": "now() > TIMESTAMP '2020-01-01'",
    "chance": "random() < 0.5",
    "much memory": "repeat('a', 1000000000) <> ''",
    "a long list": "len(range(1000000000)) > 1",
    "aggregate": "count(*) > 1",
    "window": "row_number() OVER () < 3",
    "lambda": "len(list_filter([size], x -> x > 1)) = 1",
    "parameter": "path = $include",
    "a star": "COLUMNS(*) IS NULL",
    "an unknown column": "secret = 1",
    "a column by its table": "listing.size = 1",
    "rowid": "rowid = 1",
    "an alias": "true AS nkey",
    "no condition": "size + 1",
    "no SQL": "size >",
    "nothing but space": " ",
    "a cast that fails at once": "size > 'big'",
    "a cast that fails on a row": "path::INTEGER > 1",
    "nested too deeply": "- " * 900 + "size = 1",
    "too long": "size = 1 OR " * 1000 + "true",
}


@pytest.mark.parametrize("where", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_or_broken_condition_is_refused_by_name(desk: CatalogSteps, where: str) -> None:
    with pytest.raises(InvalidInput, match="where"):
        taken(desk, FILES, Selection(where=where))

    assert taken(desk, FILES, Selection(take=1)), "the catalog goes on"


@pytest.mark.parametrize(
    ("selection", "named"),
    [
        (Selection(include_regex=("ok", "a(b")), r"include_regex 'a\(b'"),
        (Selection(exclude_regex=(r"(a)\1",)), "exclude_regex"),
        (Selection(min_size=-1), "min_size"),
        (Selection(settled_s=float("inf")), "settled_s"),
        (Selection(min_age_s=float("nan")), "min_age_s"),
        (Selection(take=-1), "take"),
        (Selection(settled_marker="done"), "settled_marker 'done'"),
        (Selection(settled_marker="{file}.done"), r"{file} is unknown"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_by_name(
    desk: CatalogSteps, selection: Selection, named: str
) -> None:
    with pytest.raises(InvalidInput, match=named):
        taken(desk, FILES, selection)


ROWS = st.lists(
    st.tuples(
        st.text(st.sampled_from("aä/Zz😀"), min_size=1, max_size=4).filter(lambda t: t[0] != "/"),
        st.none() | st.integers(0, 3),
        st.none() | st.integers(0, 3),
    ),
    max_size=8,
    unique_by=lambda row: row[0],
)


def key(order: Sorting, one: Resource) -> tuple[bool, int]:
    if order in {Sorting.PATH, Sorting.PATH_DESCENDING}:
        return (False, 0)
    by_size = order in {Sorting.SIZE, Sorting.SIZE_DESCENDING}
    value = one.size if by_size else one.modified_us
    return (value is None, (value or 0) * (-1 if "descending" in order else 1))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=ROWS,
    order=st.sampled_from(list(Sorting)),
    skip=st.integers(0, 4),
    take=st.none() | st.integers(0, 5),
)
def test_order_skip_and_take_are_those_of_a_sorted_list(
    desk: CatalogSteps,
    rows: list[tuple[str, int | None, int | None]],
    order: Sorting,
    skip: int,
    take: int | None,
) -> None:
    files = [Resource(path, size=size, modified_us=time) for path, size, time in rows]
    ordered = sorted(files, key=lambda one: one.path, reverse=order is Sorting.PATH_DESCENDING)
    ordered.sort(key=lambda one: key(order, one))
    last = None if take is None else skip + take

    request = chosen(desk, files, Selection(order=order, skip=skip, take=take), Mode.ADDITIVE)
    flat = replace(request, targets=(replace(request.targets[0], tree=False),))

    plan = desk.catalog.plans.make(flat)
    assert {item.path for item in desk.items(plan)} == {one.path for one in ordered[skip:last]}


def test_where_no_time_is_told_a_file_settles_by_the_record_of_its_source(
    desk: CatalogSteps,
) -> None:
    still, grows, back, fresh = (
        Resource(name, size=5, etag="1") for name in ("still", "grows", "back", "fresh")
    )
    desk.list_source([still, grows, back])
    seen_us = round(desk.catalog.versions.latest(SOURCE).created_at.timestamp() * 1e6)
    desk.list_source([still, grows, replace(back, etag="2")])
    now = [still, replace(grows, size=6, etag="2"), back, fresh, Resource("unknown")]
    desk.list_source(now)
    settled = Selection(settled_s=60, as_of_us=seen_us + 60 * S)

    assert taken(desk, now, settled) == {"still"}
    assert taken(desk, now, replace(settled, as_of_us=seen_us + 59 * S)) == set()


def test_a_mirror_leaves_what_the_selection_leaves_out(desk: CatalogSteps) -> None:
    desk.sync(FILES[:4])
    request = chosen(desk, FILES[:3], Selection(settled_s=HOUR), Mode.MIRROR)

    plan = desk.catalog.plans.make(request)

    assert plan.matched == 1
    rows = {row.path: row.action for row in desk.catalog.plans.rows(plan.plan_id)}
    assert rows == {"a.csv": "keep", "b/old.txt": "remove"}


def test_a_plan_keeps_the_moment_from_which_it_counts_ages(desk: CatalogSteps) -> None:
    selection = Selection(max_age_s=HOUR, allow_empty=True)
    request = replace(desk.request(FILES), selection=selection)

    plan = desk.catalog.plans.make(request)

    kept = desk.catalog.plans.request(plan.plan_id).selection
    assert kept.as_of_us is not None
    assert abs(kept.as_of_us - plan.created_at.timestamp() * 1e6) < S
    assert plan.matched == 0


def test_requests_that_were_stored_before_still_load(desk: CatalogSteps) -> None:
    body = json.loads(json.dumps(request_to_json(desk.request([]))))
    body["selection"] = {
        "include": ["*.csv"], "exclude": [], "skip_empty": True, "allow_empty": False}  # fmt: skip

    assert request_from_json(body).selection == Selection(include=("*.csv",), skip_empty=True)


@pytest.mark.parametrize(
    ("selection", "path", "why"),
    [
        (Selection(include=("*.csv",)), "b/old.txt", "excluded it by include '*.csv'"),
        (Selection(min_size=50), "a.csv", "excluded it by min_size 50"),
        (Selection(min_age_s=HOUR), "b/new.csv", "excluded it by min_age 3600.0"),
        (Selection(where="size > 50"), "a.csv", "excluded it by where 'size > 50'"),
        (Selection(settled_marker="{path}.done"), "a.csv.done", "by being a marker itself"),
        (Selection(settled_s=HOUR), "b/new.csv", "excluded it by settled 3600.0"),
        (Selection(take=1), "b/old.txt", "skip and take excluded it"),
        (Selection(take=1), "nowhere", "the source did not list it"),
    ],
    ids=str,
)
def test_a_path_that_took_no_part_is_explained_by_the_rule(
    desk: CatalogSteps, selection: Selection, path: str, why: str
) -> None:
    desk.list_source(FILES)
    request = replace(chosen(desk, FILES, selection, Mode.ADDITIVE), run_id="run")
    desk.catalog.plans.make(request)
    desk.list_source([])

    (one,) = desk.catalog.runs.explain("run", path)

    assert one.action is None
    assert why in str(one)
