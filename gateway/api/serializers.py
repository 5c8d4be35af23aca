"""JSON of catalog data: as `entrepot … --json` prints it, with some more fields.

>>> page(Page(({"path": "a"},), "WyJhIl0"), "content")
{'content': [{'path': 'a'}], 'next': 'WyJhIl0'}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python

from catalog.model.diff import DiffRow
from catalog.model.outcome import Outcome
from catalog.model.plan import Plan
from catalog.model.run import PlanRow, Run, RunTally
from catalog.model.version import ContentRow, Version
from catalog.queries.explain import Explanation
from catalog.queries.paging import FailureRow, Page

T = TypeVar("T")
Json = dict[str, Any]


def to_json(value: object) -> Json:
    """Return a value as JSON, fields in their declared order."""
    found: Json = to_jsonable_python(value, serialize_unknown=True)
    return found


def row_json(row: ContentRow | DiffRow | FailureRow) -> Json:
    """Return a row with all of its fields."""
    return to_json(row)


def page(found: Page[T], noun: str, row: Callable[[T], Json] = to_json) -> Json:
    """Return a page of rows under `noun`, and the next cursor as `next`."""
    shown: Json = {noun: [row(one) for one in found.rows]}
    return shown if found.next_cursor is None else {**shown, "next": found.next_cursor}


def version(one: Version) -> Json:
    """Return a version."""
    return to_json(
        {
            "version": one.number,
            "created": one.created_at,
            "added": one.added,
            "replaced": one.replaced,
            "removed": one.removed,
            "files": one.total,
            "bytes": one.bytes,
            "labels": label_pairs(one.labels),
            "base": one.base,
            "run": one.run_id,
            "protected": one.protected,
        }
    )


def label_pairs(labels: Mapping[str, str]) -> list[str]:
    """Return labels as the command line prints them.

    >>> label_pairs({"stage": "prod"})
    ['stage=prod']
    """
    return [f"{key}={value}" for key, value in labels.items()]


def plan(one: Plan, crossed: list[str]) -> Json:
    """Return a plan: its totals, its cost, and the guards it violates."""
    return to_json(
        {
            "plan": one.plan_id,
            "digest": one.digest,
            "created": one.created_at,
            "source": one.source,
            "mode": one.mode,
            "strategy": one.strategy,
            "policy": one.policy,
            "matched": one.matched,
            "batches": one.batches,
            "changes": bool(one),
            "totals": one.tallies,
            "forecast": one.forecast,
            "crossed": crossed,
        }
    )


def plan_row(one: PlanRow) -> Json:
    """Return a row of a plan."""
    return {
        "action": one.action,
        "path": one.path,
        "destination": one.destination,
        "size": one.size,
        "reason": one.reason,
    }


def run(one: Run) -> Json:
    """Return a run."""
    return to_json(
        {
            "run": one.run_id,
            "kind": one.kind,
            "state": one.state,
            "started": one.started_at,
            "message": one.message,
            "ended": one.ended_at,
            "plan": one.plan_id,
            "source": one.source,
            "destinations": one.destinations,
            "flow_run": one.flow_run_id,
        }
    )


def tally(one: RunTally) -> Json:
    """Return the totals of a run at one destination."""
    return to_json(one)


def outcome(one: Outcome) -> Json:
    """Return the outcome of one item."""
    return to_json(
        {
            "path": one.path,
            "destination": one.destination,
            "error": one.error,
            "message": one.message,
            "action": one.action,
            "status": one.status,
            "proof": one.proof,
            "digest": one.digest,
            "size": one.size,
            "attempts": one.attempts,
            "expected": one.expected,
            "found": one.found,
        }
    )


def explanation(one: Explanation) -> Json:
    """Return an explanation, as fields and as a sentence."""
    return {**to_json(one), "sentence": str(one)}
