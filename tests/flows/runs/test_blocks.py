"""Repositories: every way to name one means the same place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from catalog.errors import InvalidInput, RepositoryNotFound


@pytest.fixture
def stored(tmp_path: Path) -> str:
    """Store a repository block."""
    from blocks.repository import Repository  # noqa: PLC0415 - imports Prefect
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    place = Repository(storage=LocalSettings(path=str(tmp_path / "stored")))
    place.save("stored-place", overwrite=True)
    return str(place._block_document_id)  # pyright: ignore[reportPrivateUsage] - no other way


def test_a_name_a_reference_and_a_path_are_one_place(stored: str, tmp_path: Path) -> None:
    from blocks.resolve import repository  # noqa: PLC0415

    address = f"file://{tmp_path / 'stored'}"
    given: list[object] = [
        "stored-place",
        {"$ref": stored},
        {"$ref": {"block_document_id": stored}},
        {"$ref": {"block_document_slug": "entrepot-repository/stored-place"}},
        str(tmp_path / "stored"),
        address,
        {"type": "local", "path": str(tmp_path / "stored")},
        tmp_path / "stored",
    ]
    for one in given:
        assert repository(one).address == address, one  # type: ignore[arg-type]


def test_a_flow_takes_a_name_and_a_reference(stored: str, source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415

    result = sync(str(source), ["stored-place"])
    assert result["stored-place"].added == 3
    again = sync(str(source), [{"$ref": stored}])
    assert again["stored-place"].kept == 3
    from prefect import get_client  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        limit = client.read_global_concurrency_limit_by_name("entrepot-stored-place")
    assert (limit.limit, limit.active_slots) == (8, 0)
    assert (tmp_path / "stored" / "a.txt").exists()


def test_an_unknown_name_says_what_to_write_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(RepositoryNotFound, match=r"write the folder of that name as './folder'"):
        repository("folder")
    with pytest.raises(RepositoryNotFound, match="there is no repository block named 'nope'"):
        repository("nope")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"path": "/x"}, "lacks the field 'type'"),
        ({"type": 3}, "must be a string"),
        ({"type": "nope"}, "no provider registered for repositories of type 'nope'"),
        ("", "expected"),
    ],
    ids=["no type", "no string", "unknown", "empty"],
)
def test_what_means_nothing_is_one_clear_error(given: object, match: str) -> None:
    from blocks.resolve import repository  # noqa: PLC0415

    with pytest.raises(InvalidInput, match=match):
        repository(given)  # type: ignore[arg-type]


def test_a_manifest_is_recognised_by_its_name() -> None:
    from blocks.resolve import repository  # noqa: PLC0415

    place = repository("https://mirror.example/data/SHA256SUMS")
    assert (place.address, place.manifest) == ("https://mirror.example/data", "SHA256SUMS")


def test_every_field_says_what_it_is_for() -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from providers.registry import BUILT_IN, provider  # noqa: PLC0415

    models: list[type[BaseModel]] = [Repository, *(provider(kind) for kind in BUILT_IN)]
    for model in models:
        for name, field in model.model_fields.items():
            assert field.title, (model, name)
            assert (field.description or "").endswith("."), (model, name)


def test_prefects_own_command_registers_the_block() -> None:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - imports Prefect

    done = subprocess.run(
        [sys.executable, "-m", "prefect", "block", "register", "-m", "blocks"],
        env={**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Entrepot Repository" in done.stdout


def test_credential_sets_are_found_by_key_then_type_then_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blocks.resolve import repository  # noqa: PLC0415

    folder = tmp_path / "sets"
    folder.mkdir()
    monkeypatch.setenv("ENTREPOT_CREDENTIALS", str(folder))
    monkeypatch.setenv("PLACE", str(tmp_path / "by-variable"))
    (folder / "mine.json").write_text('{"type": "local", "path": "$PLACE"}')
    assert repository({"storage_key": "mine"}).address == f"file://{tmp_path}/by-variable"
    with pytest.raises(InvalidInput, match="no credential set 'other'; known: mine"):
        repository({"storage_key": "other"})
    (folder / "default_local.json").write_text('{"type": "local", "path": "/default"}')
    assert repository({"type": "local"}).address == "file:///default"
    given = {"type": "local", "storage_params": {"path": "/changed"}}
    assert repository(given).address == "file:///changed"
    (folder / "default_local.json").write_text("no json")
    with pytest.raises(InvalidInput, match="not JSON"):
        repository({"type": "local"})
