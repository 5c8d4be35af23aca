"""The decision on one path in SQL, compared with its model in Python."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.model.plan import Action, Mode, Policy, Strategy
from catalog.store import statements
from catalog.store.keys import repository_key
from tests.catalog.rules.reference_decide import (
    Decision,
    ListedState,
    ListingGaps,
    RecordedState,
    SourceState,
    SyncRules,
    decide,
)

A, B = "a" * 64, "b" * 64
WANTED = SourceState("s3://a", "x", size=3, etag="e", modified_us=1)
HELD = RecordedState(
    A,
    size=3,
    etag="d",
    modified_us=9,
    source="s3://a",
    origin="x",
    origin_size=3,
    origin_etag="e",
    origin_modified_us=1,
)
SAME = ListedState(3, "d", 9)
FINGERPRINT = SyncRules(Strategy.FINGERPRINT)
CHECKED = SyncRules(checked=True)
MIRROR = SyncRules(mode=Mode.MIRROR)
LATE = SyncRules(policy=Policy.ON_DEMAND, checked=True)
NOT_STORED = replace(HELD, digest=None, etag=None, modified_us=None, stored=False)

MARKER = SyncRules(Strategy.MARKER, checked=True)
THERE, UNMARKED = "keep marker at the destination", "keep no marker at the destination yet"
TAKEN = "keep marker at the destination, its file was taken away"
OTHER = replace(HELD, source="s3://b", origin_etag="f")

MARKED: dict[
    str, tuple[SourceState | None, RecordedState | None, ListedState | None, bool, str | None]
] = {
    "neither": (WANTED, None, None, False, "add not at the destination"),
    "the file alone": (WANTED, None, ListedState(7), False, UNMARKED),
    "the marker alone": (WANTED, None, None, True, TAKEN),
    "both": (WANTED, None, ListedState(7), True, THERE),
    "known, neither": (WANTED, HELD, None, False, "add not at the destination"),
    "known, the file alone": (WANTED, HELD, SAME, False, UNMARKED),
    "known, the marker alone": (WANTED, HELD, None, True, TAKEN),
    "known, both": (WANTED, HELD, SAME, True, THERE),
    "somebody's other bytes": (WANTED, HELD, ListedState(7), True, THERE),
    "the source changed": (
        replace(WANTED, etag="f"),
        HELD,
        SAME,
        True,
        "replace source etag changed",
    ),
    "the source changed, the file taken away": (
        replace(WANTED, size=4),
        HELD,
        None,
        True,
        "add source size changed 3 -> 4",
    ),
    "the declared digest changed": (
        replace(WANTED, digest=B),
        HELD,
        SAME,
        True,
        "replace source digest changed",
    ),
    "only the etag changed, the digest is declared": (
        replace(WANTED, digest=A, etag="f"),
        HELD,
        SAME,
        True,
        THERE,
    ),
    "nothing to compare": (SourceState("s3://a", "x"), HELD, SAME, True, THERE),
    "copied from elsewhere": (WANTED, OTHER, SAME, True, THERE),
    "catalogued, now": (WANTED, NOT_STORED, None, True, "add catalogued, but not stored"),
    "gone": (None, HELD, SAME, True, None),
}

CASES: dict[
    str, tuple[SourceState | None, RecordedState | None, ListedState | None, SyncRules, str | None]
] = {
    "new": (WANTED, None, None, SyncRules(), "add not at the destination"),
    "foreign file there": (
        WANTED,
        None,
        SAME,
        CHECKED,
        "replace unverified at the destination",
    ),
    "foreign file of equal size": (
        WANTED,
        None,
        SAME,
        SyncRules(Strategy.SIZE, checked=True),
        "keep same size at the destination",
    ),
    "foreign file of that name": (
        WANTED,
        None,
        ListedState(7),
        SyncRules(Strategy.NAME, checked=True),
        "keep name at the destination",
    ),
    "lost there": (WANTED, HELD, None, CHECKED, "add missing at the destination"),
    "other size there": (
        WANTED,
        HELD,
        replace(SAME, size=4),
        CHECKED,
        "replace changed at the destination: size 3 -> 4",
    ),
    "other etag there": (
        WANTED,
        HELD,
        replace(SAME, etag="q"),
        replace(CHECKED, match_etags=True),
        "replace changed at the destination: etag d -> q",
    ),
    "etags that do not matter": (WANTED, HELD, replace(SAME, etag="q"), CHECKED, "keep same etag"),
    "other time there": (
        WANTED,
        HELD,
        replace(SAME, modified_us=8),
        CHECKED,
        "replace changed at the destination: modified_us 9 -> 8",
    ),
    "times that do not matter": (
        WANTED,
        HELD,
        replace(SAME, modified_us=8),
        replace(CHECKED, match_etags=True),
        "keep same etag",
    ),
    "always": (WANTED, HELD, None, SyncRules(Strategy.ALWAYS), "replace asked to move everything"),
    "name": (WANTED, HELD, None, SyncRules(Strategy.NAME), "keep name at the destination"),
    "size": (WANTED, HELD, None, SyncRules(Strategy.SIZE), "keep same size at the destination"),
    "unknown size": (
        replace(WANTED, size=None),
        HELD,
        None,
        SyncRules(Strategy.SIZE),
        "replace source size changed 3 -> ?",
    ),
    "equal digest": (
        replace(WANTED, digest=A, etag="new"),
        HELD,
        None,
        SyncRules(),
        "keep same digest",
    ),
    "other digest": (
        replace(WANTED, digest=B),
        HELD,
        None,
        SyncRules(),
        "replace source digest changed",
    ),
    "digest of another source": (
        replace(WANTED, source="s3://b", digest=A),
        HELD,
        None,
        SyncRules(),
        "keep same digest",
    ),
    "another source": (
        replace(WANTED, source="s3://b"),
        HELD,
        None,
        SyncRules(),
        "replace copied from another source",
    ),
    "source grew": (
        replace(WANTED, size=4),
        HELD,
        None,
        FINGERPRINT,
        "replace source size changed 3 -> 4",
    ),
    "source etag": (
        replace(WANTED, etag="f"),
        HELD,
        None,
        FINGERPRINT,
        "replace source etag changed",
    ),
    "source time": (
        replace(WANTED, etag=None, modified_us=2),
        HELD,
        None,
        FINGERPRINT,
        "replace source time changed",
    ),
    "same time": (replace(WANTED, etag=None), HELD, None, FINGERPRINT, "keep same time"),
    "only sizes": (
        replace(WANTED, etag=None, modified_us=None),
        HELD,
        None,
        FINGERPRINT,
        "keep same size, nothing else to compare",
    ),
    "nothing known": (
        SourceState("s3://a", "x"),
        HELD,
        None,
        FINGERPRINT,
        "replace nothing to compare",
    ),
    "catalogued, now": (WANTED, NOT_STORED, None, CHECKED, "add catalogued, but not stored"),
    "catalogued, other bytes there": (
        WANTED,
        NOT_STORED,
        SAME,
        CHECKED,
        "replace catalogued, but not stored",
    ),
    "catalogued, who knows what is there": (
        WANTED,
        NOT_STORED,
        None,
        SyncRules(Strategy.NAME),
        "replace catalogued, but not stored",
    ),
    "catalogued, later": (WANTED, NOT_STORED, None, LATE, "keep same etag"),
    "catalogued, later, another digest": (
        replace(WANTED, digest=B),
        replace(NOT_STORED, digest=A),
        SAME,
        LATE,
        "replace source digest changed",
    ),
    "catalogued, later, declared since": (
        replace(WANTED, digest=B),
        NOT_STORED,
        None,
        LATE,
        "keep same etag",
    ),
    "stored, later": (WANTED, HELD, SAME, LATE, "keep same etag"),
    "lost there, later": (WANTED, HELD, None, LATE, "add missing at the destination"),
    "catalogued and gone": (None, NOT_STORED, None, MIRROR, "remove gone from the source"),
    "gone, additive": (None, HELD, None, SyncRules(), None),
    "gone, mirror": (None, HELD, None, MIRROR, "remove gone from the source"),
    "gone on both sides": (
        None,
        HELD,
        None,
        replace(MIRROR, checked=True),
        "remove gone from the source",
    ),
    "foreign, mirror": (None, None, SAME, replace(MIRROR, checked=True), None),
    "excluded, mirror": (replace(WANTED, selected=False), HELD, None, MIRROR, None),
}


@pytest.mark.parametrize(("wanted", "held", "listed", "rules", "said"), CASES.values(), ids=CASES)
def test_each_case_is_decided_and_says_why(
    wanted: SourceState | None,
    held: RecordedState | None,
    listed: ListedState | None,
    rules: SyncRules,
    said: str | None,
) -> None:
    decision = decide(wanted, held, listed, rules)

    assert (None if decision is None else f"{decision.action} {decision.reason}") == said


@pytest.mark.parametrize(
    ("wanted", "held", "listed", "marked", "said"), MARKED.values(), ids=MARKED
)
def test_a_marker_decides_unless_the_source_is_known_to_have_changed(
    wanted: SourceState | None,
    held: RecordedState | None,
    listed: ListedState | None,
    marked: bool,  # noqa: FBT001  # a column of the table
    said: str | None,
) -> None:
    decision = decide(wanted, held, listed, MARKER, marked=marked)

    assert (None if decision is None else f"{decision.action} {decision.reason}") == said


NOWHERE = ListingGaps(source=True, target=True, markers=True)
UNSEEN: dict[
    str,
    tuple[
        SourceState | None,
        RecordedState | None,
        ListedState | None,
        SyncRules,
        ListingGaps,
        str | None,
    ],
] = {
    "mirror, the source has a gap there": (
        None,
        HELD,
        SAME,
        replace(MIRROR, checked=True),
        ListingGaps(source=True),
        "keep could not be seen at the source",
    ),
    "mirror, the destination has a gap there": (
        None,
        HELD,
        None,
        replace(MIRROR, checked=True),
        ListingGaps(target=True),
        "keep could not be seen at the destination",
    ),
    "mirror, seen at the destination all the same": (
        None,
        HELD,
        SAME,
        replace(MIRROR, checked=True),
        ListingGaps(target=True),
        "remove gone from the source",
    ),
    "mirror, excluded": (
        replace(WANTED, selected=False),
        HELD,
        None,
        replace(MIRROR, checked=True),
        NOWHERE,
        None,
    ),
    "additive, nowhere to be seen": (None, HELD, None, CHECKED, NOWHERE, None),
    "held and the same": (WANTED, HELD, None, CHECKED, NOWHERE, "keep same etag"),
    "held and changed": (
        replace(WANTED, etag="f"),
        HELD,
        None,
        CHECKED,
        NOWHERE,
        "replace source etag changed",
    ),
    "not held: somebody's file may stand there": (
        WANTED,
        None,
        None,
        CHECKED,
        NOWHERE,
        "replace could not be seen at the destination",
    ),
    "not held, not listed at all": (
        WANTED,
        None,
        None,
        SyncRules(),
        NOWHERE,
        "add not at the destination",
    ),
    "the marker could not be seen": (
        WANTED,
        None,
        None,
        MARKER,
        ListingGaps(markers=True),
        "keep its marker could not be seen",
    ),
    "marked, the file could not be seen": (
        WANTED,
        HELD,
        None,
        MARKER,
        ListingGaps(target=True),
        "keep could not be seen at the destination",
    ),
}


@pytest.mark.parametrize(
    ("wanted", "held", "listed", "rules", "unseen", "said"), UNSEEN.values(), ids=UNSEEN
)
def test_what_could_not_be_seen_is_neither_gone_nor_proven(
    wanted: SourceState | None,
    held: RecordedState | None,
    listed: ListedState | None,
    rules: SyncRules,
    unseen: ListingGaps,
    said: str | None,
) -> None:
    decision = decide(wanted, held, listed, rules, unseen=unseen)

    assert (None if decision is None else f"{decision.action} {decision.reason}") == said


numbers = st.none() | st.integers(0, 2)
etags = st.none() | st.sampled_from(["e", "f", "g h"])
sources = st.sampled_from(["s3://a", "s3://b"])
origins = st.sampled_from(["x", "y"])
wanteds = st.builds(
    SourceState,
    source=st.just("s3://a"),
    origin=origins,
    size=numbers,
    etag=etags,
    modified_us=numbers,
    digest=st.none() | st.sampled_from([A, B]),
    selected=st.booleans(),
)
helds = st.builds(
    RecordedState,
    digest=st.none() | st.sampled_from([A, B]),
    size=numbers,
    etag=etags,
    modified_us=numbers,
    source=st.none() | sources,
    origin=st.none() | origins,
    origin_size=numbers,
    origin_etag=etags,
    origin_modified_us=numbers,
    stored=st.booleans(),
)
listeds = st.builds(ListedState, size=numbers, etag=etags, modified_us=numbers)
rules_of_all_kinds = st.builds(
    SyncRules,
    strategy=st.sampled_from(Strategy),
    mode=st.sampled_from(Mode),
    policy=st.sampled_from(Policy),
    match_etags=st.booleans(),
    checked=st.booleans(),
)
unseens = st.builds(ListingGaps, source=st.booleans(), target=st.booleans(), markers=st.booleans())
rows_of_all_kinds = st.lists(
    st.tuples(st.none() | wanteds, st.none() | helds, st.none() | listeds, st.booleans(), unseens),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute(
        "CREATE TABLE w (nkey INTEGER, source VARCHAR, origin VARCHAR, size BIGINT, etag VARCHAR,"
        " modified_us BIGINT, digest VARCHAR, selected BOOLEAN);"
        "CREATE TABLE h (nkey INTEGER, digest VARCHAR, size BIGINT, etag VARCHAR,"
        " modified_us BIGINT, origin UUID, origin_path VARCHAR, origin_size BIGINT,"
        " origin_etag VARCHAR, origin_modified_us BIGINT, stored BOOLEAN);"
        "CREATE TABLE l (nkey INTEGER, size BIGINT, etag VARCHAR, modified_us BIGINT);"
        "CREATE TABLE m (nkey INTEGER);"
        "CREATE TABLE u (nkey INTEGER, source_unseen BOOLEAN, target_unseen BOOLEAN,"
        " marker_unseen BOOLEAN)"
    )
    return connection


@settings(max_examples=300, deadline=None)
@given(rows=rows_of_all_kinds, rules=rules_of_all_kinds)
def test_sql_and_the_model_decide_alike_and_say_the_same(
    tables: duckdb.DuckDBPyConnection,
    rows: list[
        tuple[SourceState | None, RecordedState | None, ListedState | None, bool, ListingGaps]
    ],
    rules: SyncRules,
) -> None:
    expected: list[Decision | None] = []
    columns: dict[str, list[tuple[Any, ...]]] = {"w": [], "h": [], "l": [], "m": [], "u": []}
    for key, (wanted, held, listed, marked, unseen) in enumerate(rows):
        expected.append(decide(wanted, held, listed, rules, marked=marked, unseen=unseen))
        target = unseen.target and rules.checked
        columns["u"].append((key, unseen.source or None, target or None, unseen.markers or None))
        if marked:
            columns["m"].append((key,))
        if wanted is not None:
            columns["w"].append((key, *asdict(wanted).values()))
        if held is not None:
            facts = asdict(held)
            facts["source"] = held.source and repository_key("t", held.source)
            columns["h"].append((key, *facts.values()))
        if listed is not None and rules.checked:
            columns["l"].append((key, *asdict(listed).values()))
    for table, values in columns.items():
        tables.execute(f"DELETE FROM {table}")  # noqa: S608  # one of ours
        if values:
            marks = ", ".join("(" + ", ".join("?" * len(values[0])) + ")" for _ in values)
            tables.execute(
                f"INSERT INTO {table} VALUES {marks}",  # noqa: S608  # one of ours
                [value for row in values for value in row],
            )

    answers = statements.fetch_rows(
        tables,
        f"SELECT {statements.load_sql('plans/decide')}"  # noqa: S608  # our own file
        " FROM range($rows) r(nkey)"
        " LEFT JOIN w USING (nkey) LEFT JOIN h USING (nkey)"
        " LEFT JOIN l USING (nkey) LEFT JOIN m USING (nkey)"
        " LEFT JOIN u USING (nkey)"
        " ORDER BY r.nkey",
        rows=len(rows),
        strategy=rules.strategy,
        mode=rules.mode,
        late=rules.policy is not Policy.IMMEDIATE,
        match_etags=rules.match_etags,
        checked=rules.checked,
        source=repository_key("t", "s3://a"),
    )

    said = [one and f"{one.action} {one.reason}" for one in expected]
    assert [answer for (answer,) in answers] == said


def test_what_is_kept_is_kept_with_a_reason() -> None:
    assert decide(WANTED, HELD, SAME, CHECKED) == Decision(Action.KEEP, "same etag")
