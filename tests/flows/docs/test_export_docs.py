"""Every example of docs/export.md runs, in order, in folders of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from catalog.catalog import Catalog

PAGE = Path(__file__).parents[3] / "docs" / "export.md"
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_examples_of_the_export_page_run(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    data = tmp_path / "srv" / "data"
    sync(str(source), [str(data)])
    (source / "new").write_text("new")
    sync(str(source), [str(data)])
    names: dict[str, object] = {}
    examples = PYTHON.findall(PAGE.read_text())
    assert len(examples) == 8
    for example in examples:
        here = re.sub(r'"/(srv|media)/', rf'"{tmp_path}/\1/', example)
        if "first-toc.json" in here and "import" not in here:  # the incremental export
            (source / "newer").write_text("newer")
            sync(str(source), [str(data)])
        at_other_site = "import_archive(" in here or "statements" in here
        with pytest.MonkeyPatch.context() as patch:
            if at_other_site:
                patch.setenv("ENTREPOT_CATALOG", str(tmp_path / "other" / "catalog.duckdb"))
            exec(compile(here, str(PAGE), "exec"), names)  # noqa: S102 - our own page

    assert (tmp_path / "srv" / "there" / "new").read_text() == "new"
    assert (tmp_path / "srv" / "copy" / "new").read_text() == "new"
    assert (tmp_path / "srv" / "there-too" / "new").read_text() == "new"
    assert (tmp_path / "srv" / "statements" / "there-1.json").exists()
    assert (tmp_path / "media" / "disk" / "second-toc.json").exists()
    assert "import-archive" not in {one.kind for one in catalog.runs.all()}
