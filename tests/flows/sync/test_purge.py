"""Purge takes away what was pulled, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import InvalidInput
from tests.transfer.endpoints import tree


@pytest.fixture
def models(source: Path, tmp_path: Path) -> Path:
    """Pull twice into one directory, beside something that is kept."""
    from flows.pull import TargetSettings, pull  # noqa: PLC0415 - imports Prefect

    directory = tmp_path / "models"
    for name in ("mnist", "iris"):
        target = TargetSettings(remote_path="sub", local_path=f"{name}/")
        pull(str(source), [target], str(directory))
    (directory / "_work").mkdir()
    (directory / "_work" / "f").write_text("kept")
    return directory


def test_one_folder_goes_and_a_second_time_there_is_nothing_to_purge(models: Path) -> None:
    from flows.purge import purge  # noqa: PLC0415

    told = purge(str(models), "mnist", dry_run=True)
    assert (told.names, told.bytes) == (("mnist",), 256 * 50)
    assert (models / "mnist").is_dir()
    result = purge(str(models), "mnist")
    assert (result.names, result.bytes) == (("mnist",), 256 * 50)
    assert "mnist" in str(result)
    assert "<table>" in result._repr_html_()
    assert not (models / "mnist").exists()
    assert (models / "iris").is_dir()
    again = purge(str(models), "mnist")
    assert not again
    assert "nothing to purge" in str(again)


def test_all_goes_but_what_is_kept(models: Path) -> None:
    from flows.purge import purge  # noqa: PLC0415

    (models / "file").write_text("data")
    result = purge(str(models))
    assert result.names == ("file", "iris", "mnist")
    assert {one.name for one in models.iterdir()} == {".entrepot", "_work"}
    assert purge(str(models), keep="").names == ("_work",)
    assert {one.name for one in models.iterdir()} == {".entrepot"}


def test_what_was_purged_can_be_pulled_again(models: Path, source: Path) -> None:
    from flows.pull import TargetSettings, pull  # noqa: PLC0415
    from flows.purge import purge  # noqa: PLC0415

    purge(str(models))
    target = TargetSettings(remote_path="sub", local_path="iris/")
    assert pull(str(source), [target], str(models)).added == 1
    assert "iris/b.bin" in tree(models)


def test_links_are_removed_and_never_followed(models: Path, tmp_path: Path) -> None:
    from flows.purge import purge  # noqa: PLC0415

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("precious")
    (models / "link").symlink_to(outside)
    (models / "iris" / "link").symlink_to(outside)
    (models / "broken").symlink_to(tmp_path / "nowhere")
    assert purge(str(models), "link").bytes < 1000
    assert purge(str(models)).names == ("broken", "iris", "mnist")
    assert (outside / "f").read_text() == "precious"


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "/etc", ".entrepot", "a\x00"])
def test_a_name_is_one_entry_of_the_directory(models: Path, name: str) -> None:
    from flows.purge import purge  # noqa: PLC0415

    before = tree(models)
    with pytest.raises(InvalidInput):
        purge(str(models), name)
    assert tree(models) == before


def test_a_directory_that_nobody_can_have_meant_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.purge import purge  # noqa: PLC0415

    home = tmp_path / "users" / "me"
    home.mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    for bad in ("/", str(home), "~", str(tmp_path / "link"), str(tmp_path / "users")):
        with pytest.raises(InvalidInput, match="home directory"):
            purge(bad)
    for bad in (str(tmp_path / "file"), str(tmp_path / "nowhere")):
        with pytest.raises(InvalidInput, match="not a directory"):
            purge(bad)
    monkeypatch.setenv("ENTREPOT_LOCAL_ROOTS", f'["{tmp_path}/users"]')
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidInput, match="ENTREPOT_LOCAL_ROOTS"):
        purge(str(tmp_path / "other"))
    assert home.is_dir()


def test_a_repository_is_not_harmed(models: Path, source: Path, tmp_path: Path) -> None:
    from flows.purge import purge  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    sync(str(source), [str(models / "archive")])
    sync(str(source), [str(models / "_work" / "archive")])
    (tmp_path / "link").symlink_to(models)
    before = tree(models)
    for directory, name in (
        (models, None),
        (tmp_path / "link", None),
        (models, "archive"),
        (models / "archive", None),
        (models / "archive", "sub"),
        (models / "archive" / "sub", None),
    ):
        with pytest.raises(InvalidInput, match=f"the repository 'file://{models}/archive'"):
            purge(str(directory), name)
    assert tree(models) == before
    assert purge(str(models), "mnist").names == ("mnist",)
    assert purge(str(models), keep="[_a]*").names == ("iris",)
