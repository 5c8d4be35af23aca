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


def version(chosen: Version) -> Json:
    """Return a version."""
    return to_json(
        {
            "version": chosen.number,
            "created": chosen.created_at,
            "added": chosen.added,
            "replaced": chosen.replaced,
            "removed": chosen.removed,
            "files": chosen.total,
            "bytes": chosen.bytes,
            "labels": label_pairs(chosen.labels),
            "base": chosen.base,
            "run": chosen.run_id,
            "protected": chosen.protected,
        }
    )


def label_pairs(labels: Mapping[str, str]) -> list[str]:
    """Return labels as the command line prints them.

    >>> label_pairs({"stage": "prod"})
    ['stage=prod']
    """
    return [f"{key}={value}" for key, value in labels.items()]


def plan(record: Plan, crossed: list[str]) -> Json:
    """Return a plan: its totals, its cost, and the guards it violates."""
    return to_json(
        {
            "plan": record.plan_id,
            "digest": record.digest,
            "created": record.created_at,
            "source": record.source,
            "mode": record.mode,
            "strategy": record.strategy,
            "policy": record.policy,
            "matched": record.matched,
            "batches": record.batches,
            "changes": bool(record),
            "totals": record.tallies,
            "forecast": record.forecast,
            "crossed": crossed,
        }
    )


def plan_row(record: PlanRow) -> Json:
    """Return a row of a plan."""
    return {
        "action": record.action,
        "path": record.path,
        "destination": record.destination,
        "size": record.size,
        "reason": record.reason,
    }


def run(record: Run) -> Json:
    """Return a run."""
    return to_json(
        {
            "run": record.run_id,
            "kind": record.kind,
            "state": record.state,
            "started": record.started_at,
            "message": record.message,
            "ended": record.ended_at,
            "plan": record.plan_id,
            "source": record.source,
            "destinations": record.destinations,
            "flow_run": record.flow_run_id,
        }
    )


def tally(record: RunTally) -> Json:
    """Return the totals of a run at one destination."""
    return to_json(record)


def outcome(record: Outcome) -> Json:
    """Return the outcome of one item."""
    return to_json(
        {
            "path": record.path,
            "destination": record.destination,
            "error": record.error,
            "message": record.message,
            "action": record.action,
            "status": record.status,
            "proof": record.proof,
            "digest": record.digest,
            "size": record.size,
            "attempts": record.attempts,
            "expected": record.expected,
            "found": record.found,
        }
    )


def explanation(record: Explanation) -> Json:
    """Return an explanation, as fields and as a sentence."""
    return {**to_json(record), "sentence": str(record)}
