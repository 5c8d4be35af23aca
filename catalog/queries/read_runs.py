"""Converts rows of the catalog into runs, their outcomes and breaches."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from duckdb import DuckDBPyConnection

from catalog.model.breach import Breach, FailureCase
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.run import Run, RunTally
from catalog.store import statements


def read_outcomes(
    connection: DuckDBPyConnection,
    tenant: str,
    run_id: str,
    status: Status | None,
    limit: int | None,
) -> list[Outcome]:
    """Return the outcome of each item of a run."""
    rows = statements.fetch_rows(
        connection,
        statements.load_sql("runs/outcomes"),
        tenant=tenant,
        run_id=run_id,
        status=status,
        limit=statements.row_limit(limit),
    )
    return [outcome_from_row(row) for row in rows]


def read_breaches(
    connection: DuckDBPyConnection, tenant: str, run_id: str, limit: int | None
) -> list[Breach]:
    """Return what contracts found in the files of a run."""
    query = statements.load_sql("runs/failure_cases")
    rows = statements.fetch_rows(
        connection, query, tenant=tenant, run_id=run_id, limit=statements.row_limit(limit)
    )
    breaches: list[Breach] = []
    for facts, same in groupby(rows, key=itemgetter(slice(0, 8))):
        contract, then, path, origin, etag, digest, failures, aside = facts
        cases = tuple(FailureCase(*row[8:]) for row in same)
        breaches.append(Breach(contract, then, path, origin, etag, digest, failures, cases, aside))
    return breaches


def outcome_from_row(row: statements.Row) -> Outcome:
    """Convert a row of `run_outcomes`."""
    one = Outcome(*row)
    proof = None if one.proof is None else Proof(one.proof)
    return replace(one, status=Status(one.status), proof=proof)


def read_tallies(connection: DuckDBPyConnection, tenant: str, run_id: str) -> tuple[RunTally, ...]:
    """Return what a run did at each destination."""
    rows = statements.fetch_rows(
        connection, statements.load_sql("runs/tallies"), tenant=tenant, run_id=run_id
    )
    return tuple(RunTally(*row) for row in rows)


def read_runs(
    connection: DuckDBPyConnection, tenant: str, run_id: str | None, limit: int | None
) -> list[Run]:
    """Return runs, the latest first."""
    rows = statements.fetch_rows(
        connection,
        statements.load_sql("runs/runs"),
        tenant=tenant,
        run_id=run_id,
        limit=statements.row_limit(limit),
    )
    return [run_from_row(row) for row in rows]


def read_last_sync(
    connection: DuckDBPyConnection,
    tenant: str,
    source: str,
    destinations: tuple[str, ...],
    except_run: str,
) -> Run | None:
    """Return the last sync between these addresses, other than the run `except_run`."""
    rows = statements.fetch_rows(
        connection,
        statements.load_sql("runs/last_sync"),
        tenant=tenant,
        source=source,
        destinations=json.dumps(destinations),
        run_id=except_run,
    )
    return run_from_row(rows[0]) if rows else None


def run_from_row(row: statements.Row) -> Run:
    """Convert a row of `runs`."""
    one = Run(*row)
    return replace(
        one,
        destinations=tuple(json.loads(row[4])),
        started_at=statements.as_utc(row[6]),
        ended_at=None if row[7] is None else statements.as_utc(row[7]),
    )
