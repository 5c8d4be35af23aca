"""Exporting a version as a tree of files, as a user calls it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded
from catalog.model.plan import Policy
from tests.flows.sync.test_sync import files


@pytest.fixture
def end(source: Path, tmp_path: Path) -> Path:
    """Return a destination whose version 2 replaced a file, removed one and added one."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    end = tmp_path / "end"
    sync(str(source), [str(end)])
    (source / "a.txt").write_text("beta, and longer")
    (source / "empty").unlink()
    (source / "new").write_text("new")
    sync(str(source), [str(end)], mode="mirror")
    return end


def left(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def test_a_version_is_written_with_a_manifest_from_which_another_instance_syncs(
    end: Path, source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    result = export_tree(str(end), str(tmp_path / "out"))

    out = tmp_path / "out"
    assert (result.version, result.files) == (2, 3)
    assert {name: data for name, data in files(out).items() if name != "PULP_MANIFEST"} == files(
        source
    )
    digest = hashlib.sha256(b"new").hexdigest()
    assert f"new,{digest},3\n" in (out / "PULP_MANIFEST").read_text()
    times = [(folder / "new").stat().st_mtime_ns // 1000 for folder in (out, source)]
    assert times[0] == times[1]
    assert "3 files" in str(result)
    assert "3 files" in result._repr_html_()
    run = catalog.runs.get(result.run_id)
    assert (run.kind, run.state) == ("export-tree", "completed")

    (out / "new").write_text("NEW")  # what comes out is compared with the manifest
    from flows.results.sync import SyncFailed  # noqa: PLC0415

    with pytest.raises(SyncFailed, match=r"'new'.*sha256"):
        sync(result.manifest, [str(tmp_path / "third")])
    (out / "new").write_text("new")
    assert sync(result.manifest, [str(tmp_path / "third")]).added == 1
    assert files(tmp_path / "third") == files(source)


def test_only_the_difference_is_exported_with_a_text_of_what_was_removed(
    end: Path, tmp_path: Path
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415

    result = export_tree(str(end), str(tmp_path / "deep" / "out"), since=1)

    out = tmp_path / "deep" / "out"
    assert left(out) == ["PULP_MANIFEST", "PULP_MANIFEST.removed", "a.txt", "new"]
    assert (out / "PULP_MANIFEST.removed").read_text() == "empty\n"
    assert (result.files, result.removed) == (2, 1)


@pytest.mark.parametrize("method", ["hardlink", "symlink"])
def test_a_local_repository_may_be_linked(end: Path, tmp_path: Path, method: str) -> None:
    from flows.export_tree import Method, export_tree  # noqa: PLC0415

    export_tree(str(end), str(tmp_path / "out"), method=Method(method))

    here, there = tmp_path / "out" / "sub" / "b.bin", end / "sub" / "b.bin"
    assert here.samefile(there)
    assert here.is_symlink() == (method == "symlink")
    assert left(tmp_path / "out") == ["PULP_MANIFEST", "a.txt", "new", "sub"]


def test_a_hard_link_across_devices_is_a_copy(end: Path) -> None:
    import tempfile  # noqa: PLC0415

    from flows.export_tree import Method, export_tree  # noqa: PLC0415

    shm = Path("/dev/shm")  # noqa: S108 - another device is the point
    if not shm.exists() or shm.stat().st_dev == end.stat().st_dev:
        pytest.skip("there is no second device")
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        export_tree(str(end), f"{folder}/out", method=Method.HARDLINK)
        assert Path(folder, "out", "new").read_text() == "new"


def test_links_need_a_local_repository(tmp_path: Path) -> None:
    from flows.export_tree import Method, export_tree  # noqa: PLC0415

    with pytest.raises(InvalidInput, match="not a local folder"):
        export_tree("memory://somewhere", str(tmp_path / "out"), method=Method.SYMLINK)


def test_bytes_that_are_nowhere_are_all_named_and_nothing_is_left(
    source: Path, end: Path, tmp_path: Path
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415
    from transfer.locate.fetch_by_digest import BytesNotFound  # noqa: PLC0415

    for folder in (source, end):
        (folder / "new").unlink()
        (folder / "a.txt").write_text("beta, and LONGER")
    before = left(tmp_path)

    with pytest.raises(BytesNotFound, match="2 files cannot be found anywhere") as caught:
        export_tree(str(end), str(tmp_path / "not" / "yet"))

    assert "'a.txt'" in caught.value.files[0]
    assert "'new'" in caught.value.files[1]
    assert left(tmp_path) == before


def test_bytes_that_the_repository_lost_are_found_where_they_came_from(
    end: Path, tmp_path: Path
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415

    (end / "new").write_text("bad")
    export_tree(str(end), str(tmp_path / "out"))

    assert (tmp_path / "out" / "new").read_text() == "new"


def test_an_older_version_is_exported_out_of_the_history_of_its_repository(
    end: Path, source: Path, tmp_path: Path
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415

    result = export_tree(str(end), str(tmp_path / "out"), version=1)

    assert (result.version, result.files) == (1, 3)
    assert (tmp_path / "out" / "a.txt").read_text() == "alpha"
    assert (tmp_path / "out" / "empty").read_bytes() == b""
    assert (source / "a.txt").read_text() != "alpha"


def test_what_was_listed_on_demand_and_never_fetched_is_read_at_its_source(
    end: Path, tmp_path: Path
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    manifest = export_tree(str(end), str(tmp_path / "source-of-others")).manifest
    listed = tmp_path / "listed"
    sync(manifest, [str(listed)], policy=Policy.ON_DEMAND)
    assert files(listed) == {}

    export_tree(str(listed), str(tmp_path / "out"))

    assert files(tmp_path / "out") == files(tmp_path / "source-of-others")


def test_a_source_that_was_only_listed_is_exported_as_it_was_listed(
    end: Path, source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from transfer.locate.fetch_by_digest import BytesNotFound  # noqa: PLC0415

    (source / "later").write_text("later")
    plan(str(source), [str(end)])  # lists it, reads nothing
    assert (
        next(
            one for one in catalog.versions.content(f"file://{source}") if one.path == "later"
        ).digest
        is None
    )

    export_tree(str(source), str(tmp_path / "out"))
    assert hashlib.sha256(b"later").hexdigest() in (tmp_path / "out" / "PULP_MANIFEST").read_text()
    (source / "later").write_text("LATER")
    with pytest.raises(BytesNotFound, match="'later'"):
        export_tree(str(source), str(tmp_path / "again"))


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(end: Path, tmp_path: Path) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415

    (tmp_path / "out").mkdir()
    export_tree(str(end), str(tmp_path / "out"))  # an empty one is fine
    before = files(tmp_path / "out")

    with pytest.raises(InvalidInput, match="not empty"):
        export_tree(str(end), str(tmp_path / "out"))
    with pytest.raises(NotRecorded):
        export_tree(str(end), str(tmp_path / "other"), version=9)
    assert files(tmp_path / "out") == before
    assert not (tmp_path / "other").exists()


def test_a_target_outside_of_the_allowed_roots_is_refused(
    end: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415

    monkeypatch.setenv("ENTREPOT_LOCAL_ROOTS", f'["{end}"]')
    with pytest.raises(InvalidInput, match="ENTREPOT_LOCAL_ROOTS"):
        export_tree(str(end), str(tmp_path / "out"))


def test_a_version_that_is_no_tree_or_has_the_manifests_name_is_refused(tmp_path: Path) -> None:
    from flows.export_tree import export_tree  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "PULP_MANIFEST").write_text("mine")
    sync(str(tmp_path / "in"), [str(tmp_path / "held")])

    with pytest.raises(InvalidInput, match="give the manifest another name"):
        export_tree(str(tmp_path / "held"), str(tmp_path / "out"))
    with pytest.raises(InvalidInput, match="expected a manifest name"):
        export_tree(str(tmp_path / "held"), str(tmp_path / "out"), manifest="SHA256SUMS")
    export_tree(str(tmp_path / "held"), str(tmp_path / "out"), manifest="export.manifest")
    assert left(tmp_path / "out") == ["PULP_MANIFEST", "export.manifest"]
