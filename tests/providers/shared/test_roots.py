"""Which folders lie below their roots."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.base import OpenOptions
from providers.local.settings import LocalSettings
from providers.shared.allowed_roots import below, within


def test_every_folder_lies_below_the_root_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_LOCAL_ROOTS", '["/"]')

    LocalSettings(path=str(tmp_path)).open(OpenOptions()).close()  # refuses what is not allowed
    assert within(tmp_path, ["/"])
    assert below(tmp_path, ["/"])
    assert within("/", ["/"])
    assert not below("/", ["/"])


def test_a_link_lies_where_it_leads(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "out").symlink_to(outside)
    (tmp_path / "in").symlink_to(inside)

    assert not within(inside / "out", [inside])
    assert within(tmp_path / "in", [inside])
    assert below(inside / "x", [tmp_path / "in"])
