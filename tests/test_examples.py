"""Examples in the docs and the README, those that no test runs too: names and parameters exist."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from cli.command_list import VERBS
from tests.docs_check import PAGES, PYTHON, ROOT

OURS = {"blocks", "catalog", "cli", "flows", "providers", "tasks", "transfer"}
INLINE = re.compile(r"`((?:[a-z_]+)\([^`\n]*\))`")
FLOWS = {command.place.rpartition(":")[2]: command.place.partition(":")[0] for command in VERBS}


def examples() -> Iterator[tuple[Path, ast.Module]]:
    """Yield each block of Python, and each call of a flow that stands in a sentence."""
    for page in PAGES:
        text = page.read_text()
        for code in PYTHON.findall(text):
            yield page, ast.parse(code)
        for code in INLINE.findall(text):
            name = code.partition("(")[0]
            if name in FLOWS:
                given = code.replace("…", "...")
                yield page, ast.parse(f"from {FLOWS[name]} import {name}\n{given}")


def imported(tree: ast.Module) -> dict[str, object]:
    """Return what an example imports of ours, by its name there."""
    return {
        one.asname or one.name: getattr(import_module(node.module), one.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        if node.module.partition(".")[0] in OURS
        for one in node.names
    }


def unknown(tree: ast.Module, known: dict[str, object]) -> Iterator[str]:
    """Yield each keyword that what is called does not take."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        whose = known.get(call.func.id)
        if whose is None or not callable(whose):
            continue
        takes = inspect.signature(getattr(whose, "fn", whose)).parameters
        if any(one.kind is one.VAR_KEYWORD for one in takes.values()):
            takes = getattr(whose, "model_fields", None) or takes
        for keyword in call.keywords:
            if keyword.arg is not None and keyword.arg not in takes:
                yield f"{call.func.id}(… {keyword.arg}=…)"


def test_what_examples_import_is_there_and_takes_what_they_give() -> None:
    wrong: list[str] = []
    calls = 0
    known: dict[Path, dict[str, object]] = {}
    for page, tree in examples():
        here = known.setdefault(page, {})
        here |= imported(tree)
        calls += sum(isinstance(node, ast.Call) for node in ast.walk(tree))
        wrong += [f"{page.relative_to(ROOT)}: {one}" for one in unknown(tree, here)]
    assert wrong == []
    assert calls > 150
