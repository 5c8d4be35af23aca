"""A restore that is planned first, and then applied exactly or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import BytesMissing, PlanOutdated
from catalog.model.plan import Mode, Strategy
from tests.flows.sync.test_sync import files
from tests.flows.versions.test_restore import url, write


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Return a folder whose version 1 was another set than it holds now."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    source, end = tmp_path / "source", tmp_path / "end"
    write(source, kept="k", replaced="old", removed="r")
    sync(str(source), [str(end)])
    write(source, kept="k", replaced="new!", added="a")
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    return end


BEFORE = {"kept": b"k", "replaced": b"old", "removed": b"r"}


def test_a_planned_restore_touches_nothing_until_it_is_applied(
    changed: Path, catalog: Catalog
) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan_restore import plan_restore  # noqa: PLC0415

    now = files(changed)

    planned = plan_restore(str(changed), version=1)
    untouched = files(changed)
    applied = apply(planned.plan_id)

    assert untouched == now
    (tally,) = planned.tallies
    assert (tally.add, tally.replace, tally.remove, tally.keep) == (1, 1, 1, 1)
    assert {(one.action, one.path) for one in planned.rows} == {
        ("add", "removed"),
        ("replace", "replaced"),
        ("remove", "added"),
    }
    assert (applied.added, applied.replaced, applied.removed) == (1, 1, 1)
    assert files(changed) == BEFORE
    assert catalog.versions.latest(url(changed)).number == 3
    assert not plan_restore(str(changed), version=1)


def test_a_planned_restore_is_refused_when_its_destination_moved(changed: Path) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan_restore import plan_restore  # noqa: PLC0415

    planned = plan_restore(str(changed), version=1)
    (changed / "replaced").write_text("by somebody else")
    now = files(changed)

    with pytest.raises(PlanOutdated, match="'replaced'"):
        apply(planned.plan_id)

    assert files(changed) == now


def test_a_version_that_was_deleted_since_is_named(changed: Path) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.delete_version import delete_version  # noqa: PLC0415
    from flows.plan_restore import plan_restore  # noqa: PLC0415

    planned = plan_restore(str(changed), version=1)
    delete_version(str(changed), 1)
    now = files(changed)

    with pytest.raises(PlanOutdated, match=rf"deleted; .*\n  version 1 of '{url(changed)}'"):
        apply(planned.plan_id)

    assert files(changed) == now


def test_a_planned_promotion_is_applied_elsewhere(changed: Path, tmp_path: Path) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan_restore import plan_restore  # noqa: PLC0415

    copy = tmp_path / "copy"
    older = plan_restore(str(changed), [str(copy)], version=1)
    apply(older.plan_id)
    arrived = files(copy)
    latest = plan_restore(str(changed), [str(copy)])
    apply(latest.plan_id)

    assert arrived == BEFORE
    assert files(copy) == files(changed)


def test_what_cannot_be_had_is_named_by_the_plan(changed: Path) -> None:
    from flows.plan_restore import plan_restore  # noqa: PLC0415

    for one in (changed / ".entrepot" / "history").rglob("*"):
        if one.is_file():
            one.unlink()
    (changed.parent / "source" / "removed").unlink(missing_ok=True)

    with pytest.raises(BytesMissing, match="'removed'"):
        plan_restore(str(changed), version=1)


def test_a_plan_by_markers_is_applied(tmp_path: Path) -> None:
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, end = tmp_path / "source", tmp_path / "end"
    write(source, a="a", b="b")
    sync(str(source), [str(end)], strategy=Strategy.MARKER)
    (end / "a").unlink()
    (source / "c").write_text("c")

    planned = plan(str(source), [str(end)], strategy=Strategy.MARKER)
    applied = apply(planned.plan_id)

    assert applied.added == 1
    assert files(end) == {"b": b"b", "c": b"c"}
    assert (end / ".entrepot" / "done" / "c.done").exists()


@pytest.mark.parametrize("layout", ["content", "versioned"])
def test_a_restore_is_planned_and_applied_in_every_layout(tmp_path: Path, layout: str) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan_restore import plan_restore  # noqa: PLC0415
    from flows.promote import promote  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    source, storage = tmp_path / "source", {"type": "local", "path": str(tmp_path / "end")}
    end = Repository.model_validate({"storage": storage, "layout": layout})
    before = write(source, kept="k", replaced="old", removed="r")
    sync(str(source), [end])
    write(source, kept="k", replaced="new!", added="a")
    sync(str(source), [end], mode=Mode.MIRROR)

    planned = plan_restore(end, version=1)
    apply(planned.plan_id, source=end, destinations=[end])

    promote(end, [str(tmp_path / "copy")])
    assert files(tmp_path / "copy") == before
