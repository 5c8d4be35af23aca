"""What lies between versions, what a deletion leaves, what stays: the rules are Pulp's."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from catalog.errors import InvalidInput, NotRecorded, RepositoryNotFound
from catalog.filters.versions import Span, VersionFilter
from catalog.model.diff import Change, DiffCounts, DiffRow
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from catalog.model.version import Version
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps, file


def letters(names: str) -> list[Resource]:
    return [file(name, 1, "e", Digest.of(name.encode())) for name in names]


def listed(desk: CatalogSteps, *versions: str) -> None:
    """Record a listing for each text, a letter a file."""
    for names in versions:
        desk.list_source(letters(names))


def held(desk: CatalogSteps, number: int | None = None) -> str:
    return "".join(desk.paths(SOURCE, number))


def numbers(desk: CatalogSteps, where: VersionFilter | None = None) -> list[int]:
    found = desk.catalog.versions.all(SOURCE, where or VersionFilter())
    return [one.number for one in found]


def counts(version: Version) -> tuple[int, int, int, int]:
    return version.added, version.replaced, version.removed, version.total


def test_a_diff_names_what_was_added_removed_and_replaced_with_both_sides(
    desk: CatalogSteps,
) -> None:
    old, new = Digest.of(b"old"), Digest.of(b"new")
    desk.list_source([file("a", 3, "e", old), file("b", 1), file("c", 2)])
    desk.list_source([file("a", 4, "e", new), file("c", 2), file("d", 5)])

    rows = list(desk.catalog.versions.diff(SOURCE, 1, 2))

    assert rows == [
        DiffRow("a", Change.REPLACED, 3, 4, old.value, new.value),
        DiffRow("b", Change.REMOVED, 1, None, None, None),
        DiffRow("d", Change.ADDED, None, 5, None, None),
    ]
    assert desk.catalog.versions.diff_counts(SOURCE, 1, 2) == DiffCounts(1, 1, 1)


def test_a_diff_backwards_undoes_what_it_does_forwards(desk: CatalogSteps) -> None:
    listed(desk, "AB", "BC", "CD")

    forwards = {row.path: row.change for row in desk.catalog.versions.diff(SOURCE, 1, 3)}
    backwards = {row.path: row.change for row in desk.catalog.versions.diff(SOURCE, 3, 1)}

    assert forwards == {"A": "removed", "B": "removed", "C": "added", "D": "added"}
    assert backwards == {"A": "added", "B": "added", "C": "removed", "D": "removed"}


def test_what_came_back_as_it_was_is_no_difference(desk: CatalogSteps) -> None:
    listed(desk, "AB", "A", "AB")

    assert list(desk.catalog.versions.diff(SOURCE, 1, 3)) == []
    assert not desk.catalog.versions.diff_counts(SOURCE, 1, 3)


def test_a_diff_with_a_version_that_never_was_is_refused(desk: CatalogSteps) -> None:
    listed(desk, "A")

    with pytest.raises(NotRecorded, match="7"):
        desk.catalog.versions.diff(SOURCE, 1, 7)
    with pytest.raises(NotRecorded, match="7"):
        desk.catalog.versions.diff_counts(SOURCE, 7, 1)


def test_the_content_of_a_moment_is_that_of_the_version_that_was_the_latest(
    desk: CatalogSteps,
) -> None:
    listed(desk, "A", "AB")
    zero, first, second = desk.catalog.versions.all(SOURCE)
    moment = timedelta(microseconds=1)

    assert desk.catalog.versions.at(SOURCE, second.created_at).number == 2
    assert desk.catalog.versions.at(SOURCE, second.created_at - moment).number == 1
    assert desk.catalog.versions.at(SOURCE, datetime(2999, 1, 1)).number == 2  # noqa: DTZ001 - UTC
    assert [row.path for row in desk.catalog.versions.content_at(SOURCE, first.created_at)] == ["A"]
    assert zero.created_at == first.created_at


def test_before_the_first_listing_a_known_repository_was_empty(desk: CatalogSteps) -> None:
    desk.catalog.retention.keep(SOURCE, None)
    listed(desk, "A")
    zero, first = desk.catalog.versions.all(SOURCE)
    between = zero.created_at + (first.created_at - zero.created_at) / 2

    assert desk.catalog.versions.at(SOURCE, between).number == 0
    assert list(desk.catalog.versions.content_at(SOURCE, between)) == []


def test_a_moment_before_a_repository_was_seen_is_an_error_that_says_so(desk: CatalogSteps) -> None:
    listed(desk, "A")

    with pytest.raises(RepositoryNotFound, match=r"first saw 's3://source' at .*1999-01-01"):
        desk.catalog.versions.at(SOURCE, datetime(1999, 1, 1, tzinfo=UTC))
    with pytest.raises(RepositoryNotFound, match="does not know"):
        desk.catalog.versions.at(HERE, datetime(2999, 1, 1, tzinfo=UTC))


def test_a_moment_whose_versions_were_deleted_is_another_error(desk: CatalogSteps) -> None:
    desk.catalog.retention.keep(SOURCE, 1)
    (zero,) = desk.catalog.versions.all(SOURCE)
    listed(desk, "A")

    with pytest.raises(NotRecorded, match="deleted"):
        desk.catalog.versions.at(SOURCE, zero.created_at)


def test_a_deleted_version_is_squashed_into_the_next(desk: CatalogSteps) -> None:
    """Pulp's table (PS-T1)."""
    listed(desk, "ABCDE", "AFGHI", "ACDFH", "ACEFI")
    before = [counts(one) for one in desk.catalog.versions.all(SOURCE)]
    assert before == [(0, 0, 0, 0), (5, 0, 0, 5), (4, 0, 4, 5), (2, 0, 2, 5), (2, 0, 2, 5)]

    assert desk.catalog.versions.delete(SOURCE, 2)

    assert numbers(desk) == [0, 1, 3, 4]
    assert [held(desk, number) for number in (0, 1, 3, 4)] == ["", "ABCDE", "ACDFH", "ACEFI"]
    after = {one.number: counts(one) for one in desk.catalog.versions.all(SOURCE)}
    assert after == {0: (0, 0, 0, 0), 1: (5, 0, 0, 5), 3: (2, 0, 2, 5), 4: (2, 0, 2, 5)}
    assert desk.catalog.versions.get(SOURCE, 3).base == 1
    assert desk.catalog.sql("SELECT path FROM content WHERE removed_in <= added_in") == []
    with pytest.raises(NotRecorded):
        desk.catalog.versions.get(SOURCE, 2)


def test_versions_are_deleted_as_pulp_deletes_them(desk: CatalogSteps) -> None:
    """Pulp's test_add_remove_repo_version."""
    listed(desk, *("ABCDEFGHI"[:end] for end in range(1, 10)))

    desk.catalog.versions.delete(SOURCE, 0)
    assert numbers(desk) == list(range(1, 10))
    first = desk.catalog.versions.get(SOURCE, 1)
    assert (first.base, counts(first)) == (None, (1, 0, 0, 1))

    desk.catalog.versions.delete(SOURCE, 9)
    assert desk.catalog.versions.latest(SOURCE).number == 8
    assert held(desk) == "ABCDEFGH"

    desk.catalog.versions.delete(SOURCE, 4)
    assert desk.catalog.versions.get(SOURCE, 5).added == 2
    assert held(desk, 5) == "ABCDE"

    for number in numbers(desk)[:-1]:
        desk.catalog.versions.delete(SOURCE, number)
    with pytest.raises(InvalidInput, match="version 8 is the only version"):
        desk.catalog.versions.delete(SOURCE, 8)
    assert held(desk) == "ABCDEFGH"
    assert counts(desk.catalog.versions.latest(SOURCE)) == (8, 0, 0, 8)


def test_a_new_repository_keeps_its_version_0(desk: CatalogSteps) -> None:
    desk.catalog.retention.keep(SOURCE, None)

    with pytest.raises(InvalidInput, match="only version"):
        desk.catalog.versions.delete(SOURCE, 0)


def test_a_number_is_never_used_again(desk: CatalogSteps) -> None:
    listed(desk, "A", "AB", "ABC")
    desk.catalog.versions.delete(SOURCE, 3)
    desk.catalog.versions.delete(SOURCE, 2)

    listed(desk, "AB")

    latest = desk.catalog.versions.latest(SOURCE)
    assert (latest.number, latest.base, counts(latest)) == (4, 1, (1, 0, 0, 2))


def test_deleting_a_version_twice_is_deleting_it_once(desk: CatalogSteps) -> None:
    listed(desk, "A", "AB")

    assert desk.catalog.versions.delete(SOURCE, 2)
    assert not desk.catalog.versions.delete(SOURCE, 2)
    for address, number in ((SOURCE, 3), (SOURCE, -1), ("s3://never", 0)):
        with pytest.raises(NotRecorded):
            desk.catalog.versions.delete(address, number)


def test_a_replaced_file_counts_as_replaced_over_a_deleted_version(desk: CatalogSteps) -> None:
    for text in (b"1", b"2", b"3"):
        desk.list_source([file("a", 1, "e", Digest.of(text))])
    desk.list_source([file("a", 1, "e", Digest.of(b"1"))])

    desk.catalog.versions.delete(SOURCE, 2)
    assert counts(desk.catalog.versions.get(SOURCE, 3)) == (0, 1, 0, 1)

    desk.catalog.versions.delete(SOURCE, 3)
    assert counts(desk.catalog.versions.get(SOURCE, 4)) == (0, 0, 0, 1)
    assert [row.digest for row in desk.catalog.versions.content(SOURCE, 4)] == [
        Digest.of(b"1").value
    ]


def test_after_the_latest_was_deleted_a_sync_moves_nothing_and_tells_it_anew(
    desk: CatalogSteps,
) -> None:
    desk.sync([file("a", 1, "one"), file("b")])
    desk.sync([file("a", 1, "two"), file("b"), file("c")])
    after = [(row.path, row.digest) for row in desk.catalog.versions.content(HERE)]

    desk.catalog.versions.delete(HERE, 2)
    assert desk.paths(HERE) == ["a", "b"]
    plan = desk.plan([file("a", 1, "two"), file("b"), file("c")])
    (made,) = desk.catalog.versions.record("again", plan.plan_id)

    assert not plan
    assert made is not None
    assert (made.number, counts(made)) == (3, (1, 1, 0, 3))
    assert [(row.path, row.digest) for row in desk.catalog.versions.content(HERE)] == after


def test_a_kept_file_that_is_recorded_anew_has_what_its_source_says_of_it(
    desk: CatalogSteps,
) -> None:
    said = Resource("a", size=1, etag="e", content_type="text/plain", properties={"k": "v"})
    desk.list_source([said])
    desk.carry_out(desk.plan([said]), "killed before it made its version")
    desk.list_source([said])
    version = desk.sync([said], "again")
    assert version is not None
    row, *none = desk.catalog.versions.content(HERE)
    assert not none
    assert (row.content_type, row.properties) == ("text/plain", '{"k": "v"}')


def test_a_kept_file_has_nothing_of_what_its_source_says_of_other_bytes(desk: CatalogSteps) -> None:
    said = Resource("a", size=1, etag="e", properties={"k": "of the first"})
    desk.list_source([said])
    desk.carry_out(desk.plan([said]), "killed before it made its version")
    plan = desk.plan([said])
    desk.list_source([Resource("a", size=1, etag="f", properties={"k": "of the second"})])
    desk.catalog.versions.record("again", plan.plan_id)
    row, *none = desk.catalog.versions.content(HERE)
    assert not none
    assert row.properties is None


def test_retention_of_one_keeps_the_newest_with_all_that_was_added(desk: CatalogSteps) -> None:
    """Pulp's test_repo_version_retention, first part (PS-T2)."""
    desk.catalog.retention.keep(SOURCE, 1)

    listed(desk, "A", "AB", "ABC")

    (only,) = desk.catalog.versions.all(SOURCE)
    assert (only.number, only.base, counts(only)) == (3, None, (3, 0, 0, 3))
    assert desk.catalog.retention.get(SOURCE) == 1


def test_retention_is_applied_when_it_changes(desk: CatalogSteps) -> None:
    """Pulp's test_repo_version_retention, second part (PS-T2)."""
    listed(desk, "A", "AB", "ABC")

    assert desk.catalog.retention.keep(SOURCE, 2) == (1, 0)

    assert numbers(desk) == [2, 3]
    assert counts(desk.catalog.versions.latest(SOURCE)) == (1, 0, 0, 3)
    assert desk.catalog.retention.keep(SOURCE, None) == ()
    listed(desk, "A", "AB")
    assert numbers(desk) == [2, 3, 4, 5]


def test_protected_versions_neither_go_nor_count(desk: CatalogSteps) -> None:
    """Pulp's test_repo_versions_protected_from_cleanup (PS-T2): totals 2, 3, 3, 4, 5, 5."""
    desk.catalog.retention.keep(SOURCE, 1)
    totals: list[int] = []

    for number, protected in enumerate((True, True, False, True, True, False)):
        if protected:
            desk.catalog.retention.protect(SOURCE, number, "published")
        listed(desk, "ABCDEF"[: number + 1])
        totals.append(len(desk.catalog.versions.all(SOURCE)))

    assert totals == [2, 3, 3, 4, 5, 5]
    assert numbers(desk) == [0, 1, 3, 4, 6]
    assert [held(desk, number) for number in numbers(desk)] == ["", "A", "ABC", "ABCD", "ABCDEF"]


def test_a_version_that_retention_took_before_its_maker_looked_is_the_one_that_has_it_now(
    desk: CatalogSteps,
) -> None:
    desk.catalog.retention.keep(SOURCE, 1)
    body = {"repository": SOURCE, "run_id": None, "label": None}
    body["listing"] = desk.listing(letters("AB")).listing_id
    soon = time.time_ns() + 60 * 10**9  # somebody else's order, folded after ours, before we look
    inbox = desk.catalog.path.with_name(desk.catalog.path.name + ".d") / "inbox"
    (inbox / f"{soon:020d}-{0:012x}.listing.json").write_text(json.dumps(body))

    made = desk.list_source(letters("A"))

    assert (made.number, made.added) == (2, 2)
    assert numbers(desk) == [2]


@pytest.mark.parametrize("wrong", [0, -1, "2"])
def test_a_retention_below_one_is_refused(desk: CatalogSteps, wrong: int) -> None:
    listed(desk, "A")

    with pytest.raises(InvalidInput, match="expected 1 or more"):
        desk.catalog.retention.keep(SOURCE, wrong)

    assert desk.catalog.retention.get(SOURCE) is None


def test_a_protected_version_cannot_be_deleted_until_no_reason_is_left(desk: CatalogSteps) -> None:
    listed(desk, "A", "AB")
    for reason in ("pinned by Ada", "published", "published"):
        desk.catalog.retention.protect(SOURCE, 1, reason)
    assert desk.catalog.versions.get(SOURCE, 1).protected == ("pinned by Ada", "published")

    for reason in ("published", "pinned by Ada"):
        with pytest.raises(InvalidInput, match=r"version 1 of 's3://source' is protected .pinned"):
            desk.catalog.versions.delete(SOURCE, 1)
        desk.catalog.retention.unprotect(SOURCE, 1, reason)

    assert desk.catalog.versions.delete(SOURCE, 1)


def test_all_reasons_go_at_once_and_wrong_ones_are_named(desk: CatalogSteps) -> None:
    listed(desk, "A")
    desk.catalog.retention.protect(SOURCE, 1, "x")
    desk.catalog.retention.protect(SOURCE, 1, "y")

    with pytest.raises(NotRecorded, match=r"no protection .*: z"):
        desk.catalog.retention.unprotect(SOURCE, 1, "z")
    with pytest.raises(InvalidInput, match="reason"):
        desk.catalog.retention.protect(SOURCE, 1, " ")
    with pytest.raises(NotRecorded, match="no version"):
        desk.catalog.retention.protect(SOURCE, 9, "x")
    desk.catalog.retention.unprotect(SOURCE, 1)

    assert desk.catalog.versions.get(SOURCE, 1).protected == ()


def test_labels_are_written_changed_and_taken_away(desk: CatalogSteps) -> None:
    listed(desk, "A")

    made = desk.catalog.versions.label(SOURCE, 1, {"stage": "test", "by": "Ada"})
    assert made.labels == {"stage": "test", "by": "Ada"}
    made = desk.catalog.versions.label(SOURCE, 1, {"stage": "prod", "by": None, "new": "x"})

    assert made.labels == {"stage": "prod", "new": "x"}
    assert desk.catalog.versions.label(SOURCE, 1, {}) == made
    with pytest.raises(NotRecorded):
        desk.catalog.versions.label(SOURCE, 9, {"stage": "prod"})


def test_what_is_said_of_a_version_goes_with_it(desk: CatalogSteps) -> None:
    listed(desk, "A", "AB")
    desk.catalog.versions.label(SOURCE, 1, {"stage": "prod"})

    desk.catalog.versions.delete(SOURCE, 1)

    assert desk.catalog.sql("SELECT count(*) FROM version_labels") == [(0,)]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (VersionFilter(), [0, 1, 2, 3]),
        (VersionFilter(numbers=Span.only(2)), [2]),
        (VersionFilter(numbers=Span(above=1)), [2, 3]),
        (VersionFilter(numbers=Span(below=1)), [0]),
        (VersionFilter(numbers=Span(first=1, last=2)), [1, 2]),
        (VersionFilter(numbers=Span.only(9)), []),
        (VersionFilter(path="A"), [1, 2]),
        (VersionFilter(path="C"), [2, 3]),
        (VersionFilter(path="Z"), []),
        (VersionFilter(digest=Digest.of(b"B").value), [2]),
        (VersionFilter(digest=f"sha256:{Digest.of(b'C').value}"), [2, 3]),
        (VersionFilter(path="A", digest=Digest.of(b"C").value), []),
        (VersionFilter(path="C", digest=Digest.of(b"C").value), [2, 3]),
        (VersionFilter.labelled(stage="prod"), [3]),
        (VersionFilter.labelled(stage=None), [1, 3]),
        (VersionFilter.labelled(stage=None, by="Ada"), [1]),
        (VersionFilter.labelled(stage="x'; DROP TABLE content; --"), []),
        (VersionFilter(numbers=Span(below=3), path="A", labels=(("by", None),)), [1]),
    ],
    ids=str,
)
def test_versions_are_found_by_what_is_known_of_them(
    desk: CatalogSteps, where: VersionFilter, expected: list[int]
) -> None:
    listed(desk, "A", "ABC", "CD")
    desk.catalog.versions.label(SOURCE, 1, {"stage": "test", "by": "Ada"})
    desk.catalog.versions.label(SOURCE, 3, {"stage": "prod"})

    assert numbers(desk, where) == expected


def test_versions_are_found_by_when_they_were_made(desk: CatalogSteps) -> None:
    listed(desk, "A", "AB", "ABC")
    second = desk.catalog.versions.get(SOURCE, 2).created_at

    assert numbers(desk, VersionFilter(created=Span.only(second))) == [2]
    assert numbers(desk, VersionFilter(created=Span(above=second))) == [3]
    assert numbers(desk, VersionFilter(created=Span(below=second))) == [0, 1]
    assert numbers(desk, VersionFilter(created=Span(first=second, last=second))) == [2]


def test_a_filter_by_what_is_no_digest_is_refused(desk: CatalogSteps) -> None:
    listed(desk, "A")

    with pytest.raises(InvalidInput):
        numbers(desk, VersionFilter(digest="nonsense"))


def test_a_filter_on_a_repository_that_was_never_seen_is_refused(desk: CatalogSteps) -> None:
    with pytest.raises(RepositoryNotFound):
        desk.catalog.versions.all("s3://never", VersionFilter(numbers=Span.only(1)))


def test_every_version_has_its_own_size(desk: CatalogSteps) -> None:
    listed(desk, "A", "ABC")

    assert [desk.catalog.versions.sizes(SOURCE, number).bytes for number in (0, 1, 2)] == [0, 1, 3]
    assert desk.catalog.versions.sizes(SOURCE).count == 3
