"""Pages of the docs site made from the stored notebooks: text, code, and what it showed."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LINK = re.compile(r"\]\((?:\.\./)?(?:notebooks/)?([\w-]+)\.ipynb\)")
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def notebook_page(path: Path) -> str:
    """Return a notebook as Markdown."""
    cells = json.loads(path.read_text())["cells"]
    parts = [_markdown(cell) if cell["cell_type"] == "markdown" else _code(cell) for cell in cells]
    return "\n\n".join(parts)


def linked(text: str, folder: str) -> str:
    """Return Markdown whose links to notebooks lead to their pages in a folder of the site."""
    return LINK.sub(rf"]({folder}\1.md)", text)


def _markdown(cell: dict[str, Any]) -> str:
    return linked("".join(cell["source"]), "").replace("](../docs/", "](../")


def _code(cell: dict[str, Any]) -> str:
    shown = [_output(output) for output in cell["outputs"]]
    return "\n\n".join([f"```python\n{''.join(cell['source'])}\n```", *shown])


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        return (
            f'<img alt="the plot" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
        )
    if "text/html" in data:
        return STYLE.sub("", "".join(data["text/html"])).replace("\n", "")
    return f"<pre>{html.escape(''.join(data.get('text/plain', output.get('text', ''))))}</pre>"
