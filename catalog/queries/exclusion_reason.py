"""Why a path took no part in a plan: the source did not list it, or a rule excluded it.

A plan stores no rows for what its selection excludes. The recorded listing of the source and the
stored request with its rules still tell why.
"""

from __future__ import annotations

import json

from duckdb import DuckDBPyConnection

from catalog.filters import selection
from catalog.inbox.plan_request import request_from_json
from catalog.model.plan import Selection
from catalog.store import statements

UNKNOWN = "the source did not list it, or the selection excluded it"


def exclusion_reason(connection: DuckDBPyConnection, tenant: str, run_id: str, path: str) -> str:
    """Return why the plan of a run has no row for a path, as far as is recorded."""
    plans = statements.fetch_rows(
        connection, statements.load_sql("runs/explain_plan"), run_id=run_id, tenant=tenant
    )
    if not plans or not plans[0][2]:
        return UNKNOWN  # the listing of the source was not recorded
    request, source, version = plans[0]
    chosen = request_from_json(json.loads(request)).selection
    every = selection.exclusion_rules(chosen, chosen.as_of_us or 0)
    values: dict[str, object] = {"source": str(source), "version": version, "asked": path}
    for one in every:
        values |= one.values
    listing = selection.listing_query(every, settled=chosen.settled_s is not None)
    rows = connection.execute(
        # All of this text is ours, but for a rendered `where`.
        f"WITH listing AS ({statements.load_sql('runs/explain_listing')}) "  # noqa: S608
        f"SELECT left_out FROM ({listing}) "
        "WHERE path = $asked",
        values,
    ).fetchall()
    if not rows:
        return "the source did not list it"
    (name,) = rows[0]
    if name is None:
        counted = chosen.skip or chosen.take is not None
        return "skip and take excluded it" if counted else UNKNOWN
    return f"the selection excluded it by {_describe_rule(chosen, name)}"


def _describe_rule(chosen: Selection, name: str) -> str:
    value = getattr(chosen, name, None) or getattr(chosen, f"{name}_s", None)
    if isinstance(value, tuple):
        return f"{name} {', '.join(map(repr, value))}"
    if isinstance(value, bool) or value is None:
        return "being a marker itself" if name == "a marker" else name
    return f"{name} {value!r}"
