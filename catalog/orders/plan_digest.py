"""What tells one plan from another: the same source, targets and rows have the same digest."""

from __future__ import annotations

import hashlib
import json

from catalog.model.plan import PlanRequest, Policy
from catalog.orders.transaction import Transaction
from catalog.store import statements


def compute_plan_digest(work: Transaction, request: PlanRequest) -> str:
    """Return the sha256 in hex of what a plan that was just stored does."""
    head = [
        request.source,
        [target.address for target in request.targets],
        request.mode.value,
        request.strategy.value,
    ]
    if request.policy is not Policy.IMMEDIATE:
        head.append(request.policy.value)
    digest = hashlib.sha256(json.dumps(head).encode())
    for (line,) in work.stream(statements.load_sql("plan_digest"), plan_id=request.plan_id):
        digest.update(f"\n{line}".encode())
    return digest.hexdigest()
