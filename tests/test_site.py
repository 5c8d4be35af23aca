"""The docs site: it builds, it needs nothing from elsewhere, and its reference names everything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from catalog.settings import Settings
from cli.command_list import COMMANDS, VERBS
from providers.registry import provider, registered_providers

ROOT = Path(__file__).parents[1]


COMMAND = re.compile(r"(?:(?<=`)|(?<=^)|(?<=^    ))entrepot [a-z-][^`\n]*", re.MULTILINE)
"""A command line in a page: between ticks, in a fence, or indented."""


class Loads(HTMLParser):
    """Collect what a browser would load by itself for a page."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note scripts, styles and pictures, but no link that a person has to click."""
        given = dict(attrs)
        if tag in {"script", "img", "iframe"}:
            self.found.append(given.get("src") or "")
        if tag == "link" and given.get("rel") != "canonical":
            self.found.append(given.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once; a dead link, or a page that no menu names, fails the build."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # --quiet would hide warnings from --strict
    return folder


def text_of(site: Path, page: str) -> str:
    """Return the words of a page, without its tags."""
    return re.sub(r"<[^>]+>", "", (site / page).read_text())


def named() -> Iterator[tuple[str, str]]:
    """Yield each word of the code that a page of the reference must name, and that page."""
    yield from (("settings", f"ENTREPOT_{name.upper()}") for name in Settings.model_fields)
    for kind in registered_providers():
        yield from (("providers", name) for name in (kind, *provider(kind).model_fields))
    yield from (("commands", f"entrepot {command.name}") for command in COMMANDS)
    yield from (("flows", command.place.rpartition(":")[2]) for command in VERBS)
    views = ("versions", "version_content", "content_at(", "version_diff(", "runs")
    yield from (("sql", name) for name in views)
    emitted = re.findall(
        r'^[A-Z_]+ = "(.+)"', (ROOT / "flows/results/events.py").read_text(), re.MULTILINE
    )
    yield from (("events", name) for name in emitted)


def test_a_page_loads_nothing_from_another_host(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 40
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text())
        elsewhere = [one for one in loads.found if "//" in one and not one.startswith("data:")]
        assert elsewhere == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text()), style


def test_the_reference_names_all_that_the_code_has(site: Path) -> None:
    pages = {
        page: text_of(site, f"reference/{page}.html")
        for page in ("settings", "providers", "blocks", "commands", "flows", "sql", "events")
    }
    missing = [(page, name) for page, name in named() if name not in pages[page]]
    assert missing == []
    assert "PanderaRule" in pages["blocks"]
    assert "bytes_per_s" in pages["blocks"]


def test_a_notebook_is_a_page_with_its_plot(site: Path) -> None:
    page = (site / "notebooks" / "history.html").read_text()

    assert 'src="data:image/png;base64,' in page
    assert "<td>&quot;tuesday.csv&quot;</td>" in page
    assert 'href="notebooks/history.html"' in (site / "notebooks.html").read_text()


def test_every_command_of_the_pages_is_one_and_has_its_options(site: Path) -> None:
    text = text_of(site, "reference/commands.html")
    parts = re.split(r"^entrepot ([a-z-]+(?: [a-z]+)?)(?:&para;|¶)\s*$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert len(sections) > 40
    wrong: list[str] = []
    told = 0
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for command in COMMAND.findall(page.read_text()):
            told += 1
            nested = re.match(r"entrepot (workflows|token|catalog) ", command)
            name = " ".join(command.split()[1 : 3 if nested else 2])
            options = re.findall(r"(?<=\s)--[a-z][a-z.-]*", command.partition("  #")[0])
            section = sections.get(name, "") + "--help --version --install-completion"
            wrong += [
                f"{page.name}: {command!r}: no such command or option {option!r}"
                for option in [name if name not in sections else "", *options]
                if option and not re.search(rf"{re.escape(option)}\b", section)
            ]
    assert wrong == []
    assert told > 100


def test_the_scripts_of_the_docs_are_no_pages(site: Path) -> None:
    assert [*site.rglob("*.py")] == []
