"""The digest of a plan: equal for the same source, targets and rows."""

from __future__ import annotations

import hashlib
import json

from catalog.model.plan import PlanRequest, Policy
from catalog.orders.transaction import Transaction
from catalog.store import statements


def compute_plan_digest(tx: Transaction, request: PlanRequest) -> str:
    """Return the sha256 (hex) of a plan whose rows were just stored."""
    head = [
        request.source,
        [target.address for target in request.targets],
        request.mode.value,
        request.strategy.value,
    ]
    if request.policy is not Policy.IMMEDIATE:
        head.append(request.policy.value)
    digest = hashlib.sha256(json.dumps(head).encode())
    for (line,) in tx.stream(statements.load_sql("plans/digest"), plan_id=request.plan_id):
        digest.update(f"\n{line}".encode())
    return digest.hexdigest()
