"""The local provider, by the suite."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

from pathlib import Path

import pytest

from providers.local.settings import LocalSettings
from providers.testing.conformance import Conformance
from providers.testing.subject import OPTIONS, Subject, seed_through


class TestLocal(Conformance):
    """A folder."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        settings = LocalSettings(path=str(tmp_path))
        storage = settings.open(OPTIONS)
        return Subject(
            settings,
            storage,
            seed_through(storage),
            raw=lambda: (
                str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()
            ),
        )
