"""Deleting versions and keeping the newest, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded


@pytest.fixture
def end(source: Path, tmp_path: Path) -> Path:
    """Return a destination of three versions after version 0."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    end = tmp_path / "end"
    for name in ("one", "two", "three"):
        (source / name).write_text(name)
        sync(str(source), [str(end)])
    return end


def test_a_version_is_deleted_once_and_no_file_with_it(end: Path, catalog: Catalog) -> None:
    from flows.delete_version import delete_version  # noqa: PLC0415 - imports Prefect

    address = f"file://{end}"
    result = delete_version(str(end), 2)
    again = delete_version(str(end), 2)

    assert (result.deleted, again.deleted, again.changed) == ((2,), (), False)
    assert [one.number for one in result.versions] == [3, 1, 0]
    assert result.versions[0].added == 2
    assert [row.path for row in catalog.versions.content(address, 3)].count("two") == 1
    assert (end / "two").read_text() == "two"
    assert "deleted 2; 3 remain" in str(result)
    assert "nothing to do" in repr(again)
    assert "<td>3</td>" in result._repr_html_()


@pytest.mark.prefect
def test_deleting_is_a_run_that_the_catalog_remembers(end: Path, catalog: Catalog) -> None:
    from flows.delete_version import delete_version  # noqa: PLC0415

    result = delete_version(str(end), 3)
    with pytest.raises(NotRecorded):
        delete_version(str(end), 9)

    run = catalog.runs.get(result.run_id)
    assert (run.kind, run.state, run.source) == ("delete-version", "completed", f"file://{end}")
    assert run.flow_run_id
    (refused,) = (one for one in catalog.runs.all() if one.state == "failed")
    assert (refused.kind, refused.message) == (
        "delete-version",
        f"the catalog has no version 'file://{end} 9'",
    )


def test_after_the_latest_version_is_deleted_a_sync_moves_nothing_and_makes_the_next(
    source: Path, end: Path, catalog: Catalog
) -> None:
    from flows.delete_version import delete_version  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    address = f"file://{end}"
    before = [(row.path, row.digest) for row in catalog.versions.content(address)]
    delete_version(str(end), 3)

    result = sync(str(source), [str(end)])

    assert not result.changed
    assert result.version == {address: 4}
    assert [(row.path, row.digest) for row in catalog.versions.content(address)] == before


def test_the_newest_are_kept_now_and_after_each_sync(
    source: Path, end: Path, catalog: Catalog
) -> None:
    from flows.retain import retain  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    address = f"file://{end}"
    catalog.retention.protect(address, 1, "published")
    catalog.versions.label(address, 3, {"stage": "prod"})

    result = retain(str(end), 1)
    assert result.deleted == (0, 2)
    assert "keeping the newest 1" in str(result)
    assert "protected: published" in str(result)
    assert "stage=prod" in str(result)
    assert not retain(str(end), 1).changed

    (source / "four").write_text("four")
    sync(str(source), [str(end)])
    assert [one.number for one in catalog.versions.all(address)] == [1, 4]
    assert catalog.versions.latest(address).added == 3


def test_a_protected_version_and_a_retention_of_none_are_refused(
    end: Path, catalog: Catalog
) -> None:
    from flows.delete_version import delete_version  # noqa: PLC0415
    from flows.retain import retain  # noqa: PLC0415

    catalog.retention.protect(f"file://{end}", 2, "published")

    with pytest.raises(InvalidInput, match="protected"):
        delete_version(str(end), 2)
    with pytest.raises(InvalidInput, match="expected 1 or more"):
        retain(str(end), 0)
    assert len(catalog.versions.all(f"file://{end}")) == 4
