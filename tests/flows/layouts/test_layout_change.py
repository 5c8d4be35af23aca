"""A destination is not written with a layout other than that of the files that it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.model.plan import Mode
from tests.flows.layouts.test_content_layout import folder
from tests.transfer.endpoints import tree

LAYOUTS = ("path", "content", "versioned")
CHANGES = [(old, new) for old in LAYOUTS for new in LAYOUTS if old != new]


@pytest.mark.parametrize(("old", "new"), CHANGES, ids=lambda one: one)
def test_another_layout_is_refused_before_anything_moves(
    source: Path, tmp_path: Path, catalog: Catalog, old: str, new: str
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    end = tmp_path / "end"
    sync(str(source), [folder(end, old)])
    before = tree(end)
    (source / "more").write_text("more")
    with pytest.raises(InvalidInput, match=f"has 3 files with the layout '{old}'.*'{new}'"):
        sync(str(source), [folder(end, new)])
    assert tree(end) == before
    assert catalog.versions.latest(folder(end, old).address).number == 1
    assert sync(str(source), [folder(end, old)]).added == 1


def test_an_emptied_destination_takes_any_layout(source: Path, tmp_path: Path) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    end, nothing = tmp_path / "end", tmp_path / "nothing"
    nothing.mkdir()
    sync(str(source), [folder(end)])
    emptied = sync(str(nothing), [folder(end)], mode=Mode.MIRROR, allow_empty=True)
    assert emptied.removed == 3
    assert sync(str(source), [folder(end, "versioned")]).added == 3
