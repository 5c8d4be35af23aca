"""What `make check` asks of docs/architecture.md: its pictures are those of `.importlinter`."""

from __future__ import annotations

import configparser
import re
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
SECTION = re.compile(r"^## (\w+)\n.*?^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MODULE = re.compile(r"`((?:catalog|cli|flows|gateway|providers|tasks|transfer)/[\w/.]+)`")
COLUMN = re.compile(r" {3,}")  # between the names and what they mean
WORD = re.compile(r"\w+")


def problems() -> list[str]:
    """Return what the page shows otherwise than it is, a line each."""
    text = PAGE.read_text()
    pictures = dict(SECTION.findall(text))
    found = [
        f"docs/architecture.md: there is no {name!r}"
        for name in MODULE.findall(text)
        if not (ROOT / name).exists()
    ]
    for package, layers in contracts().items():
        if package not in pictures:
            found.append(f"docs/architecture.md: there is no picture of {package!r}")
            continue
        lines = [set(WORD.findall(COLUMN.split(line)[0])) for line in pictures[package].split("\n")]
        places: list[int] = []
        for rooms in layers:
            shown = [place for place, words in enumerate(lines) if rooms & words]
            missing = rooms - set[str]().union(*lines)
            if missing and not (package == "flows" and "sync" in rooms):  # it shows some verbs
                found.append(f"docs/architecture.md: {package} lacks {', '.join(sorted(missing))}")
            places += shown[:1]
        found += [
            f"docs/architecture.md: {package}: line {lower + 1} stands above line {upper + 1}"
            for upper, lower in pairwise(places)
            if lower < upper
        ]
    return found


def contracts() -> dict[str, list[frozenset[str]]]:
    """Return the layers of each package, the uppermost first."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return {
        section["containers"]: [
            frozenset(WORD.findall(line)) for line in section["layers"].split("\n") if line.strip()
        ]
        for section in parser.values()
        if section.get("type") == "layers" and "containers" in section
    }
