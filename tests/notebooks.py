"""Executes the notebooks; `python -m tests.notebooks` stores what they show, as `make notebooks`.

What differs from run to run or machine to machine is not stored: the temporary folder is told as
`/tour`, an id as `…`, a forecast as one second, and of a value with an HTML form only that form.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TIMEOUT_S = 200  # of a cell; the first may start a Prefect server

_PLACE = re.compile(r"(?:/[\w.+-]+)+/entrepot-\w{8}\b")
_ID = re.compile(r"\b[0-9a-f]{32}\b")
_FORECAST = re.compile(r"\bin about \d+ s\b")
_STARTING = re.compile(r"Starting a temporary Prefect server .*\n")


class UntidyError(Exception):
    """A notebook printed what nobody should have to read."""


def executed(path: Path) -> Any:  # noqa: ANN401 - nbformat knows no types
    """Run a notebook from scratch and return it with its outputs cleaned."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    return cleaned(notebook)


def cleaned(notebook: Any) -> Any:  # noqa: ANN401 - the same
    """Return the notebook without what differs from run to run."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if not _of_the_server(one)]
            for output in cell.outputs:
                _clean(output)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def texts(notebook: Any) -> list[str]:  # noqa: ANN401 - the same
    """Return what each code cell shows as text, pictures apart."""
    return [
        "\n".join(
            str(value)
            for output in cell.outputs
            for kind, value in sorted({**output.get("data", output)}.items())
            if kind.startswith("text")
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _of_the_server(output: Any) -> bool:  # noqa: ANN401 - the same
    if output.get("name") != "stderr":
        return False
    rest = _STARTING.sub("", output.text)
    if rest:
        raise UntidyError(rest)
    return True


def _clean(output: Any) -> None:  # noqa: ANN401 - the same
    shown = output.get("data", output)
    if "text/html" in shown:
        shown.pop("text/plain", None)
    for kind, value in shown.items():
        if kind.startswith("text"):
            shown[kind] = _FORECAST.sub("in about 1 s", _ID.sub("…", _PLACE.sub("/tour", value)))


def main() -> None:
    """Execute every notebook, or those that are named, and write them in place."""
    named = [Path(one).resolve() for one in sys.argv[1:]]
    os.environ["PYTHONPATH"] = str(ROOT)
    for path in named or NOTEBOOKS:
        nbformat.write(executed(path), path)
        sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
