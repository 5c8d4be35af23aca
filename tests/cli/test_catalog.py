"""`entrepot catalog` on the command line: a backup, the way back, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from cli.app import app
from cli.terminal.exit_codes import ExitCode
from tests.catalog.catalog_steps import HERE, CatalogSteps, file

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Told:
    """Return what runs `entrepot catalog` here and gives its exit code, stdout and stderr."""
    monkeypatch.setenv("ENTREPOT_CATALOG", str(tmp_path / "catalog.duckdb"))

    def tell(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            app()(["catalog", *map(str, words)])
        printed = capsys.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, printed.out, printed.err

    return tell


def test_a_catalog_goes_back_to_its_backup(told: Told, tmp_path: Path) -> None:
    catalog = Catalog.open()
    CatalogSteps(catalog).sync([file("a"), file("b")])
    code, out, _ = told("backup", tmp_path / "backup", "--json")
    assert code == ExitCode.SUCCESS
    (row,) = json.loads(out)
    assert (row["backup"], row["inconsistencies"]) == (str(tmp_path / "backup"), 0)

    CatalogSteps(catalog).sync([file("c")], "second")
    code, _, err = told("restore", tmp_path / "backup")
    assert code == ExitCode.USAGE
    assert "exists already" in err
    assert "--replace" in err
    assert len(CatalogSteps(catalog).paths(HERE)) == 3

    code, out, _ = told("restore", tmp_path / "backup", "--replace")
    assert code == ExitCode.SUCCESS
    assert "before-" in out
    assert "restart gateways" in out
    assert CatalogSteps(Catalog.open()).paths(HERE) == ["a", "b"]


def test_bytes_that_lie_beside_the_catalog_are_named(told: Told, tmp_path: Path) -> None:
    stored = Catalog.open().folder / "resources" / "default" / "r"
    stored.parent.mkdir(parents=True)
    stored.touch()
    _, out, _ = told("backup", tmp_path / "backup")
    assert f"not included: {stored.parents[1]}" in out


@pytest.mark.parametrize("word", ["backup", "restore"])
def test_what_cannot_be_is_one_clear_line(told: Told, tmp_path: Path, word: str) -> None:
    place = tmp_path / "nothing" if word == "restore" else tmp_path
    code, _, err = told(word, place)
    assert code == ExitCode.USAGE
    assert err.startswith("entrepot: ")
    assert str(place) in err
    assert "Traceback" not in err
