"""The notebooks show what they showed when they were stored, run from scratch."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, ROOT, executed, texts


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_it_showed_when_it_was_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - imports Prefect

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    assert texts(executed(path)) == texts(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_names_nothing_of_the_machine_that_ran_it(path: Path) -> None:
    text = path.read_text()

    assert '"execution"' not in text
    assert not [word for word in ("/tmp/", "/dev/shm", "/home/", str(ROOT)) if word in text]  # noqa: S108
