"""The house: what plain root packages need in order not to trip over each other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "blocks",
    "catalog",
    "cli",
    "deployments",
    "flows",
    "gateway",
    "providers",
    "tasks",
    "transfer",
)
LONGEST = 300  # lines


def sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def test_no_flow_bears_the_name_of_a_root_package_or_a_standard_module() -> None:
    taken = {*PACKAGES, *sys.stdlib_module_names}
    assert not [path.name for path in sources("flows") if path.stem in taken]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_root_package_is_the_one_of_this_tree(package: str) -> None:
    module = __import__(package)
    assert module.__file__ is not None
    assert Path(module.__file__).parent == ROOT / package


@pytest.mark.parametrize("package", [*sorted({*PACKAGES} - {"blocks"}), "tests"])
def test_every_folder_of_code_is_a_package_that_holds_a_docstring_only(package: str) -> None:
    for folder in {path.parent for path in sources(package)}:
        lines = (folder / "__init__.py").read_text().strip()
        assert lines.startswith('"""'), folder
        assert lines.endswith('"""'), folder


@pytest.mark.parametrize("path", sources(*PACKAGES), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_holds_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST
