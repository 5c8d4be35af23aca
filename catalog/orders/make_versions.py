"""Applies `version` orders: creates the next versions after a plan was carried out."""

from __future__ import annotations

import json

from catalog.errors import NotRecorded
from catalog.inbox.plan_request import request_from_json
from catalog.inbox.queue import Order
from catalog.model.plan import Policy
from catalog.orders.transaction import Result, Transaction
from catalog.store import statements
from catalog.store.keys import repository_key


def apply_version(tx: Transaction, order: Order) -> Result:
    """Create the next version of each target that is complete or may be partial."""
    body = order.body()
    run_id, plan_id = str(body["run_id"]), str(body["plan_id"])
    plans = tx.query(
        "SELECT request FROM plans WHERE plan_id = $plan_id AND tenant = $tenant",
        plan_id=plan_id,
    )
    if not plans:
        raise NotRecorded("plan", plan_id)
    request = request_from_json(json.loads(str(plans[0][0])))
    source, held = (
        repository_key(tx.tenant, request.source),
        statements.load_sql("plans/recorded_content"),
    )
    numbers: list[int | None] = []
    for place, target in enumerate(request.targets):
        key = tx.ensure_repository(target.address, order)
        tx.run_script("plans/progress", plan_id=plan_id, repository=key)
        if not body["allow_partial"] and _count_unfinished(tx, plan_id, place):
            numbers.append(None)
            continue
        which: dict[str, object] = {"plan_id": plan_id, "repository": key, "target": place}
        tx.run_statements(
            statements.load_sql("versions/record_catalogued").replace("{held}", held),
            **which,
            source=source,
            address=target.address,
            policy=request.policy.value,
            late=request.policy is not Policy.IMMEDIATE,
            run_id=run_id,
            batch=order.batch,
            now=order.submitted_at,
        )
        tx.run_statements(
            statements.load_sql("versions/record_plan").replace("{held}", held), **which
        )
        if target.layout is not None:
            tx.query(
                "UPDATE repositories SET layout = $layout WHERE repository = $repository::UUID",
                layout=target.layout,
                repository=key,
            )
        number = tx.make_version(key, order, run_id, plan_id)
        numbers.append(_version_made_before(tx, key, run_id, plan_id) if number is None else number)
    tx.run_script("versions/learn_digests", plan_id=plan_id, source=source)
    return {"numbers": numbers}


def _count_unfinished(tx: Transaction, plan_id: str, target: int) -> int:
    return tx.count(
        "SELECT count(*) FROM plan_rows p LEFT JOIN ended e USING (nkey)"
        " WHERE p.plan_id = $plan_id AND p.target = $target AND p.action <> 'keep'"
        " AND p.batch IS NOT NULL AND (e.status IS NULL OR e.status = 'failed')",
        plan_id=plan_id,
        target=target,
    )


def _version_made_before(tx: Transaction, repository: str, run_id: str, plan_id: str) -> int | None:
    rows = tx.query(
        "SELECT max(number) FROM repository_versions WHERE repository = $repository::UUID"
        " AND run_id = $run_id AND plan_id = $plan_id",
        repository=repository,
        run_id=run_id,
        plan_id=plan_id,
    )
    number: int | None = rows[0][0]
    return number
