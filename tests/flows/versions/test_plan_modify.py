"""A modification that is planned first, and then applied exactly or not at all."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import (
    BytesMissing,
    ContentConflict,
    GuardCrossed,
    InvalidInput,
    NotRecorded,
    PlanOutdated,
)
from catalog.model.plan import Mode
from tests.flows.sync.test_sync import bucket, files
from tests.flows.versions.test_restore import url, write
from tests.servers.seaweedfs import S3Server

MADE = {"b": b"other", "c": b"c", "kept": b"k"}


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Return a folder that is modified."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    write(tmp_path / "s1", a="a", b="b", kept="k")
    sync(str(tmp_path / "s1"), [str(tmp_path / "one"), str(tmp_path / "twin")])
    return tmp_path / "one"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Return a folder from which is added."""
    from flows.sync import sync  # noqa: PLC0415

    write(tmp_path / "s2", b="other", c="c", d="d")
    sync(str(tmp_path / "s2"), [str(tmp_path / "two")])
    return tmp_path / "two"


def test_a_planned_modification_is_applied_as_modify_would_do_it(
    one: Path, two: Path, catalog: Catalog
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.modify import AddSettings, modify  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415

    now, twin = files(one), one.parent / "twin"
    adding = [AddSettings(repository=str(two), paths=["b", "c"])]

    planned = plan_modify(str(one), add=adding, remove=["a"])
    untouched = files(one)
    applied = apply(planned.plan_id)
    modified = modify(str(twin), add=adding, remove=["a"])

    assert untouched == now
    (tally,) = planned.tallies
    assert (tally.add, tally.replace, tally.remove, tally.keep) == (1, 1, 1, 1)
    assert {(row.action, row.path) for row in planned.rows} == {
        ("add", "c"),
        ("replace", "b"),
        ("remove", "a"),
    }
    assert files(one) == files(twin) == MADE
    ours, theirs = applied.destinations[0], modified.destinations[0]
    assert astuple(ours)[2:] == astuple(theirs)[2:]
    rows = [
        [(r.path, r.digest) for r in catalog.versions.content(url(end), 2)] for end in (one, twin)
    ]
    assert rows[0] == rows[1]
    assert not plan_modify(str(one), add=adding, base_version=2), "a second time there is nothing"


def test_versions_that_are_made_later_change_nothing_of_a_plan(
    one: Path, two: Path, tmp_path: Path
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.modify import AddSettings  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    planned = plan_modify(
        str(one), add=[AddSettings(repository=str(two), paths=["b", "c"])], remove=["a"]
    )
    write(tmp_path / "s2", b="newest", c="newer", e="e")
    sync(str(tmp_path / "s2"), [str(two)], mode=Mode.MIRROR)

    apply(planned.plan_id)

    assert files(one) == MADE


def test_a_planned_modification_is_refused_when_its_destination_moved(one: Path, two: Path) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.modify import AddSettings  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415

    planned = plan_modify(str(one), add=[AddSettings(repository=str(two))])
    (one / "b").write_text("by somebody else")
    now = files(one)

    with pytest.raises(PlanOutdated, match="'b'"):
        apply(planned.plan_id)

    assert files(one) == now


def test_every_version_that_was_deleted_since_is_named(
    one: Path, two: Path, tmp_path: Path
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.delete_version import delete_version  # noqa: PLC0415
    from flows.modify import AddSettings  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    planned = plan_modify(str(one), add=[AddSettings(repository=str(two), version=1)])
    for source, end in (("s1", one), ("s2", two)):
        write(tmp_path / source, new="new")
        sync(str(tmp_path / source), [str(end)])
        delete_version(str(end), 1)
    now = files(one)

    with pytest.raises(PlanOutdated) as caught:
        apply(planned.plan_id)

    assert caught.value.reasons == tuple(f"version 1 of '{url(end)}'" for end in (one, two))
    assert files(one) == now


def test_what_makes_no_sense_is_refused_before_a_plan_is_stored(one: Path, two: Path) -> None:
    from flows.modify import AddSettings  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415

    with pytest.raises(ContentConflict, match="'b' has sha256"):
        plan_modify(str(one), add=[AddSettings(repository=str(two))], overwrite=False)
    with pytest.raises(InvalidInput, match="'nowhere' cannot be removed"):
        plan_modify(str(one), remove=["nowhere"])
    with pytest.raises(NotRecorded, match="7"):
        plan_modify(str(one), base_version=7)


def test_the_guards_of_the_plan_hold_when_it_is_applied(one: Path) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.forms.options import GuardSettings  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415

    now = files(one)
    planned = plan_modify(str(one), remove=["a"], guards=GuardSettings(removals=0))

    with pytest.raises(GuardCrossed):
        apply(planned.plan_id)

    assert planned.crossed
    assert files(one) == now


def test_bytes_of_a_place_that_no_block_leads_to_are_had_when_it_is_given_again(
    one: Path, s3_server: S3Server, tmp_path: Path
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, cloud = tmp_path / "s3", repository(bucket(s3_server, "given"))  # type: ignore[arg-type]
    held = write(source, far="away")
    sync(str(source), [cloud])
    (source / "far").unlink()

    planned = plan_modify(str(one), base_repository=cloud)
    with pytest.raises(BytesMissing, match="'far'"):
        apply(planned.plan_id)
    apply(planned.plan_id, sources=[cloud])

    assert files(one) == held
    write(source, more="m")
    listed = plan(str(source), [str(one)])
    with pytest.raises(InvalidInput, match="is not a plan of versions"):
        apply(listed.plan_id, sources=[cloud])


@pytest.mark.parametrize("layout", ["content", "versioned"])
def test_a_modification_is_planned_and_applied_in_every_layout(
    tmp_path: Path, two: Path, layout: str
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.apply import apply  # noqa: PLC0415
    from flows.modify import AddSettings  # noqa: PLC0415
    from flows.plan_modify import plan_modify  # noqa: PLC0415
    from flows.promote import promote  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, storage = tmp_path / "s1", {"type": "local", "path": str(tmp_path / "end")}
    end = Repository.model_validate({"storage": storage, "layout": layout})
    write(source, a="a", b="b", kept="k")
    sync(str(source), [end])

    adding = [AddSettings(repository=str(two), paths=["b", "c"])]
    planned = plan_modify(end, add=adding, remove=["a"])
    apply(planned.plan_id, source=end, destinations=[end])

    promote(end, [str(tmp_path / "copy")])
    assert files(tmp_path / "copy") == MADE
