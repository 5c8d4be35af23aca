"""The JSON of what the catalog tells: what `entrepot … --json` prints, and a little more.

>>> page(Page(({"path": "a"},), "WyJhIl0"), "content")
{'content': [{'path': 'a'}], 'next': 'WyJhIl0'}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python

from catalog.browsing import FailureRow, Page
from catalog.diff import DiffRow
from catalog.explain import Explanation
from catalog.outcome import Outcome
from catalog.plan import Plan
from catalog.run import PlanRow, Run, RunTally
from catalog.version import ContentRow, Version

T = TypeVar("T")
Told = dict[str, Any]


def told(value: object) -> Told:
    """Return a value of ours as JSON, names in the order in which they are declared."""
    found: Told = to_jsonable_python(value, serialize_unknown=True)
    return found


def plain(row: ContentRow | DiffRow | FailureRow) -> Told:
    """Return a row that is told as it is."""
    return told(row)


def page(found: Page[T], noun: str, row: Callable[[T], Told] = told) -> Told:
    """Return a page of rows under their noun, and the cursor of the next as `next`."""
    shown: Told = {noun: [row(one) for one in found.rows]}
    return shown if found.next_cursor is None else {**shown, "next": found.next_cursor}


def version(one: Version) -> Told:
    """Return a version."""
    return told(
        {
            "version": one.number,
            "created": one.created_at,
            "added": one.added,
            "replaced": one.replaced,
            "removed": one.removed,
            "files": one.total,
            "bytes": one.bytes,
            "labels": pairs(one.labels),
            "base": one.base,
            "run": one.run_id,
            "protected": one.protected,
        }
    )


def pairs(labels: Mapping[str, str]) -> list[str]:
    """Return labels as the command line shows them.

    >>> pairs({"stage": "prod"})
    ['stage=prod']
    """
    return [f"{key}={value}" for key, value in labels.items()]


def plan(one: Plan, crossed: list[str]) -> Told:
    """Return a plan: its totals, what it will cost, and which guards it crosses."""
    return told(
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


def plan_row(one: PlanRow) -> Told:
    """Return a row of a plan."""
    return {
        "action": one.action,
        "path": one.path,
        "destination": one.destination,
        "size": one.size,
        "reason": one.reason,
    }


def run(one: Run) -> Told:
    """Return a run."""
    return told(
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


def tally(one: RunTally) -> Told:
    """Return what a run did at one destination."""
    return told(one)


def outcome(one: Outcome) -> Told:
    """Return what became of one item."""
    return told(
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


def explanation(one: Explanation) -> Told:
    """Return why a run did what it did, in fields and as a sentence."""
    return {**told(one), "sentence": str(one)}
