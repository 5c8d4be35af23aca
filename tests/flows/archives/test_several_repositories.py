"""One archive with several repositories, between two sites that share nothing but the archive."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from catalog.errors import InvalidInput, SecretInUrl
from catalog.formats.archive import ArchiveRefused
from catalog.model.plan import Mode
from tests.flows.archives.test_archives import Site, content
from tests.flows.archives.test_archives import site as site  # noqa: PLC0414 - a fixture
from tests.flows.sync.test_sync import files

FORMER = Path(__file__).parent


@pytest.fixture
def two(site: Site, tmp_path: Path) -> dict[str, str]:
    """Return two repositories at site A, `models` and `papers`, that share some bytes."""
    site("A")
    given: dict[str, str] = {}
    for name in ("models", "papers"):
        change(tmp_path, name, {"shared": "in both " * 999, f"{name}.txt": name})
        given[name] = str(tmp_path / "A" / name)
    return given


def change(tmp_path: Path, name: str, made: dict[str, str]) -> None:
    """Bring a repository of site A to another version: what is `made`, and nothing else."""
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    source = tmp_path / f"of-{name}"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    for path, text in made.items():
        (source / path).write_text(text)
    sync(str(source), [str(tmp_path / "A" / name)], mode=Mode.MIRROR)


def test_two_repositories_go_from_site_to_site_in_one_archive_with_equal_bytes_once(
    two: dict[str, str], site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    a = site("A")
    full = export_archive(two, str(tmp_path / "disk" / "full"), chunk_size="4 KiB")
    assert full.artifacts == 3
    assert (full["models"].versions, full["papers"].versions) == ((1,), (1,))
    with pytest.raises(InvalidInput, match=r"models.*papers"):
        full.versions  # noqa: B018 - of which?

    b = site("B")
    ends = {name: str(tmp_path / "B" / name) for name in two}
    first = import_archive(full.toc, ends, mode=Mode.MIRROR)
    assert {name: first[name].versions for name in two} == {"models": {1: 1}, "papers": {1: 1}}
    for name, folder in two.items():
        assert content(b, Path(ends[name]), 1) == content(a, Path(folder), 1)
        assert files(Path(ends[name])) == files(Path(folder))

    again = import_archive(full.toc, ends, mode=Mode.MIRROR)
    assert not again.changed
    for name in two:
        assert [one.number for one in b.versions.all(f"file://{ends[name]}")] == [0, 1]

    site("A")
    # The bytes of models.txt were in one of both at the other site, not in the other.
    change(tmp_path, "papers", {"shared": "in both " * 999, "moved": "models"})
    more = export_archive(two, str(tmp_path / "disk" / "more"), since=full.toc)
    assert (more["models"].versions, more["models"].since) == ((), 1)
    assert (more["papers"].versions, more["papers"].since) == ((2,), 1)
    assert more.artifacts == 1
    with pytest.raises(InvalidInput, match=r"'models' after version 1, 'papers' after version 2"):
        export_archive(two, str(tmp_path / "none"), since=more.toc)

    site("B")
    second = import_archive(more.toc, ends, mode=Mode.MIRROR)
    assert (second["models"].versions, second["papers"].versions) == ({}, {2: 2})
    assert {name: files(Path(ends[name])) for name in two} == {
        name: files(Path(folder)) for name, folder in two.items()
    }


def test_each_repository_has_versions_and_a_base_of_its_own(
    two: dict[str, str], site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    site("A")
    change(tmp_path, "models", {"models.txt": "second"})
    change(tmp_path, "models", {"models.txt": "third"})
    done = export_archive(
        two,
        str(tmp_path / "some"),
        versions={"models": [2, 3]},
        since={"models": 1},
    )
    assert (done["models"].versions, done["models"].since) == ((2, 3), 1)
    assert (done["papers"].versions, done["papers"].since) == ((1,), None)

    b = site("B")
    ends = {name: str(tmp_path / "B" / name) for name in two}
    result = import_archive(done.toc, ends, versions={"models": [2, 3]}, mode=Mode.MIRROR)
    assert result["models"].versions == {2: 1, 3: 2}
    assert result["papers"].versions == {1: 1}
    assert b.versions.latest(f"file://{ends['models']}").labels == {
        "imported": f"file://{two['models']}@3"
    }
    with tarfile.open(tmp_path / "some.tar") as tar:
        names = [one for one in tar.getnames() if one.startswith("versions/")]
    assert names == ["versions/0/2.jsonl", "versions/0/3.jsonl", "versions/1/1.jsonl"]


def test_repositories_without_a_given_name_are_known_by_their_labels(
    two: dict[str, str], tmp_path: Path, site: Site
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415

    site("A")
    done = export_archive([*two.values()], str(tmp_path / "both"))
    assert [one.name for one in done.repositories] == [f"file://{one}" for one in two.values()]


def test_a_mapping_that_does_not_fit_is_one_error_that_names_all_and_writes_nothing(
    two: dict[str, str], site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    site("A")
    toc = export_archive(two, str(tmp_path / "both")).toc
    b = site("B")
    here = tmp_path / "B" / "here"
    for dry_run in (True, False):
        with pytest.raises(ArchiveRefused) as caught:
            import_archive(
                toc,
                {"modles": str(here), "papers": str(here)},
                versions={"papers": [1, 7]},
                dry_run=dry_run,
            )
        assert caught.value.problems == (
            "the mapping names ['modles'], but the archive has ['models', 'papers']",
            "the mapping does not name 'models'",
            "the archive has versions [1] of 'papers', not [7]",
        )
    with pytest.raises(ArchiveRefused, match="give a mapping with the destination of each"):
        import_archive(toc, str(here))
    with pytest.raises(ArchiveRefused, match=r"\['models', 'papers'\] would all be imported into"):
        import_archive(toc, {"models": str(here), "papers": str(here)})
    with pytest.raises(ArchiveRefused, match="expected `versions` by repository name"):
        import_archive(toc, {"*": str(here)}, versions=[1])
    with pytest.raises(ArchiveRefused, match="names none of"):
        import_archive(toc, {}, unmapped="skip")
    with pytest.raises(ArchiveRefused, match="there is no repository block named 'papers'"):
        import_archive(toc, {"models": str(here)}, unmapped="same-name")
    with pytest.raises(SecretInUrl):
        import_archive(toc, {"models": "https://me:secret@example.com/x"})
    assert not here.exists()
    assert {one.kind for one in b.runs.all()} == {"check-archive"}


@pytest.mark.prefect
def test_what_is_left_out_is_skipped_or_goes_to_its_namesake_if_asked(
    two: dict[str, str], site: Site, tmp_path: Path
) -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    site("A")
    toc = export_archive(two, str(tmp_path / "both")).toc
    site("B")
    here, stored, below = (tmp_path / "B" / name for name in ("here", "stored", "below"))

    skipped = import_archive(toc, {"papers": str(here)}, unmapped="skip")
    assert [one.name for one in skipped.repositories] == ["papers"]
    assert files(here) == files(Path(two["papers"]))

    Repository(storage=LocalSettings(path=str(stored))).save("models")
    import_archive(toc, {"papers": str(here)}, unmapped="same-name")
    assert files(stored) == files(Path(two["models"]))

    import_archive(toc, {"papers": str(here), "*": str(below)})
    assert {one.name for one in below.iterdir()} == {"models"}
    assert files(below / "models") == files(Path(two["models"]))


def test_a_broken_chunk_and_a_mapping_that_does_not_fit_are_named_together(
    two: dict[str, str], site: Site, tmp_path: Path
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.import_archive import import_archive  # noqa: PLC0415

    site("A")
    done = export_archive(two, str(tmp_path / "both"), chunk_size=4096)
    flipped = bytearray(Path(done.chunks[1]).read_bytes())
    flipped[99] ^= 1
    Path(done.chunks[1]).write_bytes(flipped)
    Path(done.chunks[2]).unlink()
    site("B")

    with pytest.raises(ArchiveRefused) as caught:
        import_archive(done.toc, {"models": str(tmp_path / "B" / "m")}, dry_run=True)

    missing, damaged, left = caught.value.problems
    assert "'both.tar.0002' is missing" in missing
    assert "'both.tar.0001': expected sha256:" in damaged
    assert left == "the mapping does not name 'papers'"


@pytest.mark.parametrize(
    ("given", "options", "told"),
    [
        ([], {}, "at least one repository"),
        ({"*": "models"}, {}, r"'\*' cannot be"),
        ({"a": "models", "b": "models"}, {}, "the same repository"),
        (["models", "models"], {}, "given twice"),
        (["models", "papers"], {"versions": [1]}, "expected `versions` by repository name"),
        (["models", "papers"], {"since": 1}, "expected `since` by repository name"),
        ({"m": "models"}, {"versions": {"x": [1]}}, r"`versions` names \['x'\]"),
        ({"m": "models"}, {"since": {"x": 1}}, r"`since` names \['x'\]"),
    ],
)
def test_what_cannot_be_exported_together_is_refused_before_anything_is_written(
    two: dict[str, str],
    tmp_path: Path,
    given: list[str] | dict[str, str],
    options: dict[str, object],
    told: str,
) -> None:
    from flows.export_archive import export_archive  # noqa: PLC0415

    places = (
        {name: two[one] for name, one in given.items()}
        if isinstance(given, dict)
        else [two[one] for one in given]
    )
    with pytest.raises(InvalidInput, match=told):
        export_archive(places, str(tmp_path / "disk" / "x"), **options)
    assert not (tmp_path / "disk").exists()


def test_archives_of_the_former_format_are_still_imported(site: Site, tmp_path: Path) -> None:
    """They were made by the program as it was before an archive could hold several."""
    from flows.import_archive import import_archive  # noqa: PLC0415

    b = site("B")
    here = tmp_path / "B" / "here"
    first = import_archive(str(FORMER / "first-toc.json"), str(here), mode=Mode.MIRROR)
    assert first.versions == {1: 1}
    assert files(here) == {"a.txt": b"alpha", "b.txt": b"beta", "sub/same": b"alpha"}

    name = "file:///dev/shm/old/data"
    second = import_archive(str(FORMER / "second.tar"), {name: str(here)}, mode=Mode.MIRROR)
    assert second[name].versions == {2: 2}
    assert files(here) == {
        "a.txt": b"gamma, and longer",
        "c.txt": b"beta",
        "sub/same": b"alpha",
    }
    assert b.versions.latest(f"file://{here}").labels == {"imported": f"{name}@2"}
