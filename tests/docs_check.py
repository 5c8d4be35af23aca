"""What `make check` asks of the docs: links lead somewhere, code compiles, nothing is missing."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from catalog.settings import Settings
from providers.registry import BUILT_IN
from tests import architecture_check

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\(([^)#\s]+)")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"\n\n    (.+)")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
MAKE = re.compile(r"^([a-z]+):", re.MULTILINE)


def problems() -> list[str]:
    """Return what is wrong, a line each."""
    found: list[str] = []
    for page in PAGES:
        text = page.read_text()
        name = page.relative_to(ROOT)
        found += [
            f"{name}: the link {link!r} leads nowhere"
            for link in LINK.findall(text)
            if "://" not in link and not (page.parent / link).exists()
        ]
        found += [
            f"{name}: {code!r} stands in no fence with a language, so no test can run it"
            for code in (*INDENTED.findall(FENCED.sub("", text)), *unnamed(text))
        ]
        for code in PYTHON.findall(text):
            try:
                ast.parse(code)
            except SyntaxError as error:
                found.append(f"{name}: an example is no Python: {error}")
    found += [
        f"mkdocs.yml: no menu leads to docs/{page}" for page in sorted(_written() - _in_menus())
    ]
    settings = (ROOT / "docs" / "settings.md").read_text()
    found += [
        f"docs/settings.md does not name the setting ENTREPOT_{field.upper()}"
        for field in Settings.model_fields
        if f"`ENTREPOT_{field.upper()}`" not in settings
    ]
    providers = (ROOT / "docs" / "providers.md").read_text()
    found += [
        f"docs/providers.md does not name the provider {kind!r}"
        for kind in BUILT_IN
        if f"`{kind}`" not in providers
    ]
    documented = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    found += [
        f"no page names `make {target}`"
        for target in MAKE.findall((ROOT / "Makefile").read_text())
        if f"make {target}" not in documented
    ]
    return found + architecture_check.problems()


def unnamed(text: str) -> list[str]:
    """Return the first line of each fence that says no language."""
    fences = (one.splitlines() for one in FENCED.findall(text))
    return [lines[1] for lines in fences if lines[0] == "```"]


def _written() -> set[str]:
    docs = ROOT / "docs"
    return {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")}


def _in_menus() -> set[str]:
    """Return the pages that the site's navigation names, those made from the code too."""

    def pages(menu: object) -> Iterator[str]:
        if isinstance(menu, str):
            yield menu
        for below in (
            menu.values() if isinstance(menu, dict) else menu if isinstance(menu, list) else ()
        ):
            yield from pages(below)

    return set(pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))


if __name__ == "__main__":
    lines = problems()
    sys.stdout.write(
        "".join(f"{line}\n" for line in lines) or f"docs: {len(PAGES)} pages are fine\n"
    )
    sys.exit(bool(lines))
