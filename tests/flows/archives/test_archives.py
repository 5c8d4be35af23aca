"""Archives between two sites that share nothing but the archive, as their users call it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded
from catalog.formats.archive import ArchiveRefused
from catalog.model.plan import Mode
from tests.flows.sync.test_sync import files

Site = Callable[[str], Catalog]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return how to go to a site: from then on its catalog is the one in use."""

    def at(name: str) -> Catalog:
        monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / name / "catalog.duckdb"))
        return Catalog.open()

    return at


@pytest.fixture
def there(site: Site, source: Path, tmp_path: Path) -> Path:
    """Return a repository of three versions at site A; the third moves bytes about."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    site("A")
    end = tmp_path / "A" / "data"
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    (source / "a.txt").write_text("beta, and longer")
    (source / "same").write_text("beta, and longer")
    (source / "empty").unlink()
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    (source / "moved").write_bytes((source / "sub" / "b.bin").read_bytes())
    (source / "sub" / "b.bin").write_text("in its place")
    (source / "empty").touch()
    sync(str(source), [str(end)], mode=Mode.MIRROR)
    return end


def content(catalog: Catalog, folder: Path, number: int) -> list[tuple[str, str | None]]:
    """Return what a version of a folder holds."""
    return [(row.path, row.digest) for row in catalog.versions.content(f"file://{folder}", number)]


def test_versions_go_from_site_to_site_and_are_equal_there(
    there: Path, site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.export_tree import export_tree  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    here = tmp_path / "B" / "data"
    disk = tmp_path / "disk"
    a = site("A")
    done = export_archive(
        str(there), str(disk / "full"), versions=[1, 2], chunk_size="4 KiB", meta={"ticket": "7"}
    )
    assert (done.versions, done.since, done.artifacts) == ((1, 2), None, 4)
    assert "4 artifacts" in str(done)
    assert a.runs.get(done.run_id).kind == "export-archive"

    b = site("B")
    first = import_archive(done.toc, str(here), versions=[1, 2], mode=Mode.MIRROR)
    assert first.versions == {1: 1, 2: 2}
    assert "version 2 is version 2 here" in str(first)
    for number in (1, 2):
        assert content(b, here, number) == content(a, there, number)

    site("A")
    more = export_archive(str(there), str(disk / "more"), since=done.toc)
    assert (more.versions, more.since) == ((3,), 2)
    assert more.artifacts == 2  # what stands in b.bin's place, and the empty file that came back

    site("B")
    second = import_archive(more.toc, str(here), mode=Mode.MIRROR)
    assert second.versions == {3: 3}
    assert content(b, here, 3) == content(a, there, 3)
    assert files(here) == files(there)
    times = [(folder / "a.txt").stat().st_mtime_ns // 1000 for folder in (here, there)]
    assert times[0] == times[1]
    export_tree(str(here), str(tmp_path / "out-B"))
    site("A")
    export_tree(str(there), str(tmp_path / "out-A"))
    manifests = [(tmp_path / name / "PULP_MANIFEST").read_text() for name in ("out-A", "out-B")]
    assert manifests[0] == manifests[1]
    assert [one.name for one in (tmp_path / "B" / "catalog.duckdb.d").glob("import-*")] == []


def test_importing_twice_finds_nothing_to_do_and_makes_no_version(
    there: Path, site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    here = tmp_path / "B" / "data"
    toc = export_archive(str(there), str(tmp_path / "disk" / "all"), versions=[1, 2, 3]).toc
    b = site("B")
    first = import_archive(toc, str(here), versions=[1, 2, 3], mode=Mode.MIRROR)
    before = b.versions.all(f"file://{here}")

    again = import_archive(toc, str(here), versions=[1, 2, 3], mode=Mode.MIRROR)

    assert first.changed
    assert not again.changed
    assert again.versions == {3: 3}
    assert b.versions.all(f"file://{here}") == before
    assert before[-1].labels == {"imported": f"file://{there}@3"}


def test_the_newest_version_alone_is_imported_by_default_and_added_to_what_is_there(
    there: Path, site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    done = export_archive(str(there), str(tmp_path / "all"))
    assert done.versions == (3,)
    site("B")
    here = tmp_path / "B" / "data"
    here.mkdir(parents=True)
    (here / "mine").write_text("mine")

    result = import_archive(str(tmp_path / "all.tar"), str(here))  # the tar is enough

    assert result.versions == {3: 1}
    assert files(here) == {**files(there), "mine": b"mine"}


def test_a_dry_run_checks_and_touches_nothing(there: Path, site: Site, tmp_path: Path) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    done = export_archive(str(there), str(tmp_path / "all"), chunk_size=4096)
    b = site("B")
    here = tmp_path / "B" / "data"

    result = import_archive(done.toc, str(here), dry_run=True)
    assert "the archive is complete" in str(result)
    (tmp_path / "all.tar.0001").unlink()
    (tmp_path / "all.tar.0000").write_bytes(b"x" * 4096)
    with pytest.raises(ArchiveRefused, match=r"all\.tar\.0001") as caught:
        import_archive(done.toc, str(here), dry_run=True)
    with pytest.raises(ArchiveRefused):
        import_archive(done.toc, str(here))

    assert len(caught.value.problems) == 2
    assert not here.exists()
    assert [(one.kind, one.state) for one in b.runs.all()] == [
        ("check-archive", "failed"),
        ("check-archive", "failed"),
        ("check-archive", "completed"),
    ]


def test_an_incremental_archive_without_its_base_is_refused_and_names_what_is_missing(
    there: Path, site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415
    from transfer.locate.fetch_by_digest import BytesNotFound  # noqa: PLC0415

    done = export_archive(str(there), str(tmp_path / "more"), since=1)
    assert done.versions == (2, 3)
    site("B")
    here = tmp_path / "B" / "data"

    for dry_run in (True, False):
        with pytest.raises(BytesNotFound, match="is based on version 1") as caught:
            import_archive(done.toc, str(here), dry_run=dry_run)
        assert [one.split(":")[0] for one in caught.value.files] == ["'moved'"]
    assert not here.exists()


def test_a_chain_of_incremental_archives_brings_back_what_a_later_version_dropped(
    there: Path, site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    full = export_archive(str(there), str(tmp_path / "one"), versions=[1])
    more = export_archive(str(there), str(tmp_path / "two"), since=full.toc)
    # 'empty' was in version 1, not in 2, and is in 3 again: it travels again.
    assert more.artifacts == 3
    b = site("B")
    here = tmp_path / "B" / "data"
    import_archive(full.toc, str(here), mode=Mode.MIRROR)
    shutil.rmtree(here / ".entrepot")

    result = import_archive(more.toc, str(here), versions=[2, 3], mode=Mode.MIRROR)

    assert result.versions == {2: 2, 3: 3}
    assert files(here) == files(there)
    assert len(b.versions.all(f"file://{here}")) == 4


def test_what_cannot_be_exported_is_refused_before_anything_is_written(
    there: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    archive = str(tmp_path / "disk" / "x")
    with pytest.raises(NotRecorded):
        export_archive(str(there), archive, versions=[9])
    with pytest.raises(InvalidInput, match="nothing to export"):
        export_archive(str(there), archive, since=3)
    with pytest.raises(InvalidInput, match="expected versions after 2"):
        export_archive(str(there), archive, versions=[1, 3], since=2)
    with pytest.raises(InvalidInput, match="chunk_size"):
        export_archive(str(there), archive, chunk_size="2 TB")
    (source / "later").write_text("later")
    plan(str(source), [str(there)])
    with pytest.raises(InvalidInput, match=r"never read.*'later'"):
        export_archive(str(source), archive)
    monkeypatch.setenv("ENTREPOT_LOCAL_ROOTS", json.dumps([str(there)]))
    with pytest.raises(InvalidInput, match="ENTREPOT_LOCAL_ROOTS"):
        export_archive(str(there), archive)
    assert not (tmp_path / "disk").exists()


KILLED = """
from flows.import_archive import import_archive
import_archive({toc!r}, {here!r})
"""


@pytest.mark.prefect
def test_a_killed_import_leaves_no_file_under_a_final_name_and_the_next_one_completes(
    site: Site, source: Path, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    site("A")
    for number in range(40):
        (source / f"{number}.bin").write_bytes(bytes([number]) * 2_000_000)
    sync(str(source), [str(tmp_path / "A" / "data")])
    toc = export_archive(str(tmp_path / "A" / "data"), str(tmp_path / "all")).toc
    site("B")
    here = tmp_path / "B" / "data"
    script = tmp_path / "script.py"
    script.write_text(KILLED.format(toc=toc, here=str(here)))
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    environment = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    environment["PYTHONPATH"] = str(ROOT)
    started = subprocess.Popen([sys.executable, str(script)], env=environment, cwd=tmp_path)
    while started.poll() is None and not list(here.glob("*.bin")):
        time.sleep(0.005)
    started.send_signal(signal.SIGKILL)
    started.wait()

    whole = files(source)
    assert all(whole[name] == data for name, data in files(here).items())
    import_archive(toc, str(here))
    assert files(here) == whole
