"""Converts rows of the catalog into plans and their items."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from itertools import groupby
from operator import itemgetter
from typing import Any

from duckdb import DuckDBPyConnection

from catalog.errors import NotRecorded
from catalog.inbox.plan_request import request_from_json
from catalog.model.fingerprint import Fingerprint
from catalog.model.plan import (
    Action,
    Forecast,
    Mode,
    Plan,
    PlanItem,
    PlannedBatch,
    PlanRequest,
    Policy,
    RecordedLocation,
    Strategy,
    Tally,
)
from catalog.model.run import PlanRow
from catalog.store import statements

PREVIOUS_COLUMN = -1  # of `batch_items`: whether the destination had a file there
SHA256_COLUMN = 9  # of `batch_items`: whether a sha256 is known


def read_plan(connection: DuckDBPyConnection, tenant: str, plan_id: str) -> Plan:
    """Return a stored plan, or raise `NotRecorded`."""
    rows = statements.fetch_rows(
        connection, statements.load_sql("plans/plan"), tenant=tenant, plan_id=plan_id
    )
    if not rows:
        raise NotRecorded("plan", plan_id)
    name, digest, created_at, source, mode, strategy, tallies, batches, matched, policy, *cost = (
        rows[0]
    )
    return Plan(
        plan_id=name,
        digest=digest,
        created_at=statements.as_utc(created_at),
        source=source,
        mode=Mode(mode),
        strategy=Strategy(strategy),
        tallies=tuple(Tally(**one) for one in json.loads(tallies)),
        batches=batches,
        matched=matched,
        forecast=None if cost[0] is None else Forecast(*cost),
        policy=Policy(policy or Policy.IMMEDIATE),
    )


def read_batches(connection: DuckDBPyConnection, tenant: str, plan_id: str) -> list[PlannedBatch]:
    """Return the batches of a plan in order."""
    rows = statements.fetch_rows(
        connection, statements.load_sql("plans/batches"), tenant=tenant, plan_id=plan_id
    )
    return [PlannedBatch(*row) for row in rows]


def read_items(
    connection: DuckDBPyConnection,
    tenant: str,
    plan_id: str,
    batch: int,
    places: Collection[str] | None = None,
) -> list[PlanItem]:
    """Return the items of one batch in path order, with other locations of their bytes."""
    request = _read_request_json(connection, tenant, plan_id)
    trusted = frozenset(request["trusted"])
    targets = [target["address"] for target in request["targets"]]
    allowed = request.get("places", ()) if places is None else places
    further = [one for one in allowed if one != request["source"]]
    readable = [request["source"], *targets, *further]
    key = {"tenant": tenant, "plan_id": plan_id, "batch": batch}
    rows = statements.fetch_rows(connection, statements.load_sql("plans/batch_items"), **key)
    copies: dict[int, list[RecordedLocation]] = defaultdict(list)
    if any(row[SHA256_COLUMN] for row in rows):
        for position, *place in statements.fetch_rows(
            connection,
            statements.load_sql("files/known_copies"),
            targets=targets,
            places=readable,
            origins=bool(further),
            listed=further,
            **key,
        ):
            copies[position].append(RecordedLocation(*place))
    previous: dict[tuple[int, int], Fingerprint] = {}
    if any(row[PREVIOUS_COLUMN] for row in rows):
        for position, target, *marks in statements.fetch_rows(
            connection, statements.load_sql("plans/previous_state"), targets=targets, **key
        ):
            previous[position, target] = Fingerprint(*marks)
    return [
        _item(list(same), trusted, tuple(copies.get(position, ())), previous)
        for position, same in groupby(rows, key=itemgetter(0))
    ]


def _item(
    rows: list[statements.Row],
    trusted: frozenset[str],
    known_copies: tuple[RecordedLocation, ...],
    previous: dict[tuple[int, int], Fingerprint],
) -> PlanItem:
    # One row for each target that needs the file.
    (
        position,
        origin,
        path,
        size,
        etag,
        modified_us,
        digests,
        content_type,
        properties,
        _,
        conflict,
        *_,
    ) = rows[0]
    return PlanItem(
        origin=origin or "",
        path=path,
        size=size,
        etag=etag,
        modified_us=modified_us,
        digests=_trusted_digests(digests, trusted) if digests else (),
        content_type=content_type,
        properties=properties,
        destinations=tuple(row[-3] for row in rows),
        actions=tuple(Action(row[-2]) for row in rows),
        known_copies=known_copies,
        conflict=conflict,
        previous=tuple(previous.get((position, row[-3])) for row in rows) if previous else (),
    )


def _trusted_digests(digests: str, trusted: frozenset[str]) -> tuple[str, ...]:
    return tuple(one for one in digests.split(",") if one.partition(":")[0] in trusted)


def read_plan_rows(
    connection: DuckDBPyConnection,
    tenant: str,
    plan_id: str,
    action: Action | None,
    limit: int | None,
) -> list[PlanRow]:
    """Return the rows of a plan, by path."""
    rows = statements.fetch_rows(
        connection,
        statements.load_sql("plans/rows"),
        tenant=tenant,
        plan_id=plan_id,
        action=action,
        limit=statements.row_limit(limit),
    )
    return [PlanRow(*row) for row in rows]


def read_plan_changes(
    connection: DuckDBPyConnection, tenant: str, plan_id: str, limit: int | None
) -> list[PlanRow]:
    """Return the changes of a plan, removals first."""
    rows = statements.fetch_rows(
        connection,
        statements.load_sql("plans/changes"),
        tenant=tenant,
        plan_id=plan_id,
        limit=statements.row_limit(limit),
    )
    return [PlanRow(*row) for row in rows]


def read_plan_request(connection: DuckDBPyConnection, tenant: str, plan_id: str) -> PlanRequest:
    """Return the request of a plan, or raise `NotRecorded`."""
    return request_from_json(_read_request_json(connection, tenant, plan_id))


def _read_request_json(connection: DuckDBPyConnection, tenant: str, plan_id: str) -> dict[str, Any]:
    query = "SELECT request FROM plans WHERE plan_id = $plan_id AND tenant = $tenant"
    rows = statements.fetch_rows(connection, query, tenant=tenant, plan_id=plan_id)
    if not rows:
        raise NotRecorded("plan", plan_id)
    request: dict[str, Any] = json.loads(str(rows[0][0]))
    return request
