"""The suite that every provider of Entrepot passes, over a shelf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from providers.registry import settings_from_url
from providers.testing.subject import OPTIONS, Subject, seed_through
from providers.testing.writing import WritingConformance

from shelf.settings import ShelfSettings


class TestShelf(WritingConformance):
    """A shelf in a temporary folder."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Iterator[Subject]:
        """Open an empty one."""
        settings = ShelfSettings(file=str(tmp_path / "files.sqlite"))
        storage = settings.open(OPTIONS)
        dead = ShelfSettings(file=str(tmp_path / "no such folder" / "files.sqlite"))
        yield Subject(settings, storage, seed_through(storage), dead=dead)
        storage.close()


def test_its_address_leads_to_it_again() -> None:
    """The entry point makes the type, and the type is the scheme."""
    settings = ShelfSettings(file="/srv/a b.sqlite", path="sub")
    assert settings_from_url(settings.address()) == settings
