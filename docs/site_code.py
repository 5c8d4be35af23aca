"""Pages of the reference that are made from settings, the catalog and events."""

from __future__ import annotations

import ast
import inspect
import re
import tempfile
from pathlib import Path

from site_text import default_of, first_sentences, kind, table

from catalog.settings import Settings
from catalog.catalog import Catalog


def settings_page() -> str:
    """Return the page of the environment variables."""
    rows = [
        (
            f"`ENTREPOT_{name.upper()}`",
            field.description or "",
            kind(field.annotation),
            "in the platform's data directory" if name == "catalog" else default_of(field),
        )
        for name, field in Settings.model_fields.items()
    ]
    return (
        "# Settings\n\nEnvironment variables, all optional. Lists are JSON: "
        "`ENTREPOT_LOCAL_ROOTS='[\"/srv\"]'`. A value that cannot be used is refused at the start "
        "of a run, by name.\n\n" + table(("variable", "what", "type", "default"), rows)
    )


def sql_page() -> str:
    """Return the page of the views and macros of an empty catalog, with their columns."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog(Path(folder) / "catalog.duckdb")
        views = [
            str(name)
            for (name,) in catalog.sql(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1"
            )
        ]
        macros = {
            str(name): [str(one) for one in parameters]
            for name, parameters in catalog.sql(
                "SELECT function_name, parameters FROM duckdb_functions()"
                " WHERE NOT internal AND function_type = 'table_macro' ORDER BY 1"
            )
        }
        parts = [_columns(catalog, f"`{name}`", name) for name in [*views, "runs"]]
        for name, parameters in macros.items():
            given = ", ".join(EXAMPLES[one] for one in parameters)
            title = f"`{name}({', '.join(parameters)})`"
            parts.append(_columns(catalog, title, f"{name}({given})"))
    return (
        "# SQL views and macros\n\nColumns as an empty catalog tells them; what a row stands for, "
        "and queries that answer questions, are in [Asking the catalog in SQL](../sql.md).\n\n"
        + "\n".join(parts)
    )


EXAMPLES = {
    "repository_address": "''",
    "moment": "now()",
    "version_number": "1",
    "old_number": "1",
    "new_number": "2",
}
"""An argument for each parameter of a macro, so that its columns can be asked for."""


def _columns(catalog: Catalog, title: str, place: str) -> str:
    rows = [(f"`{row[0]}`", str(row[1]).lower()) for row in catalog.sql(f"DESCRIBE FROM {place}")]
    return f"## {title}\n\n" + table(("column", "type"), rows)


def events_page() -> str:
    """Return the page of the events: each function of `flows.results.events` emits one."""
    from flows.results import events  # noqa: PLC0415 - imports Prefect

    parts = ["# Events\n\nWhat runs tell Prefect, for automations to act on.\n"]
    for node in ast.parse(inspect.getsource(events)).body:
        call = _emitted(node)
        if not isinstance(node, ast.FunctionDef) or call is None:
            continue
        name = getattr(events, ast.unparse(call.args[0]))
        keys = [f"`{key}`" for key in _payload_keys(call)]
        parts.append(
            f"## `{name}`\n\n{first_sentences(ast.get_docstring(node))}\n\n"
            f"Resource: `{_resource_id(call.args[1])}`.\n\nPayload: {', '.join(keys)}.\n"
        )
    return "\n".join(parts)


def _payload_keys(call: ast.Call) -> list[str]:
    """Return the keys of an event's payload, written in the call or by the function it calls."""
    from flows.results import events  # noqa: PLC0415 - imports Prefect

    (payload,) = (one.value for one in call.keywords if one.arg == "payload")
    if isinstance(payload, ast.Call):
        made_by = getattr(events, ast.unparse(payload.func))
        (payload,) = (
            one
            for one in ast.walk(ast.parse(inspect.getsource(made_by)))
            if isinstance(one, ast.Dict)
        )
    if not isinstance(payload, ast.Dict):
        raise TypeError(f"the payload of an event is no mapping: {ast.unparse(payload)}")
    return [str(ast.literal_eval(key)) for key in payload.keys if key is not None]


def _emitted(node: ast.AST) -> ast.Call | None:
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "emit_event":
            return one
    return None


def _resource_id(given: ast.expr) -> str:
    """Return the id of an event's resource: of a repository, unless the call writes its own."""
    if not isinstance(given, ast.Dict):
        return "entrepot.repository.<its name, or else its address>"
    text = ast.unparse(given.values[0])  # the f-string
    return re.sub(r"\{.*?(\w+)\}", r"<\1>", text[2:-1])
