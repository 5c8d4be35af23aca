"""Explains what a run did with one path: one sentence for each destination.

>>> print(Explanation("a", "file:///srv", "replace", "source size changed 3 -> 4", "stored", 4))
'a' was replaced at file:///srv: source size changed 3 -> 4 (4 bytes written)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

from catalog.errors import NotRecorded
from catalog.queries.exclusion_reason import UNKNOWN, exclusion_reason
from catalog.store import statements
from catalog.store.keys import path_key

_DONE = {
    "add": "was added",
    "replace": "was replaced",
    "remove": "was removed",
    "keep": "was skipped",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a run planned for one path at one destination, why, and the outcome."""

    path: str
    destination: str
    action: str | None  # None: the plan has no row for this path; `reason` says why
    reason: str | None
    status: str | None = None  # None: not tried, or there was nothing to do
    size: int | None = None  # bytes
    proof: str | None = None
    attempts: int | None = None
    message: str | None = None  # of a failure

    def __str__(self) -> str:
        """Return one sentence."""
        where = f"at {self.destination}"
        if self.action is None:
            return f"{self.path!r} took no part {where}: {self.reason or UNKNOWN}"
        planned = f"{self.action}, {self.reason}"
        if self.status == "failed":
            tries = f" after {self.attempts} tries" if (self.attempts or 0) > 1 else ""
            return f"{self.path!r} failed {where}{tries}: {self.message} (planned: {planned})"
        if self.status == "dropped":
            return f"{self.path!r} was dropped {where}: {self.message} (planned: {planned})"
        if self.status is None and self.action != "keep":
            return f"{self.path!r} was not reached {where} (planned: {planned})"
        if self.status == "catalogued":
            return f"{self.path!r} was catalogued {where} without its bytes: {self.reason}"
        facts = [f"{self.size:,} bytes written"] if self.status == "stored" else []
        facts += [self.proof] if self.proof else []
        details = f" ({', '.join(facts)})" if facts else ""
        return f"{self.path!r} {_DONE[self.action]} {where}: {self.reason}{details}"

    def __repr__(self) -> str:
        """Return the sentence, so that a list of them is readable in a prompt."""
        return f"<{self}>"


def read_explanations(
    connection: DuckDBPyConnection, tenant: str, run_id: str, path: str
) -> list[Explanation]:
    """Return an explanation for each destination of a run."""
    rows = statements.fetch_rows(
        connection,
        statements.load_sql("runs/explain"),
        run_id=run_id,
        nkey=path_key(tenant, path),
        tenant=tenant,
    )
    if not rows:
        raise NotRecorded("run", run_id)
    explanations = [(Explanation(path, *facts), usual) for *facts, usual in rows]
    if all(one.action is not None for one, _ in explanations):
        return [one for one, _ in explanations]
    why = exclusion_reason(connection, tenant, run_id, path)
    return [_with_reason(one, why, usual) for one, usual in explanations]


def _with_reason(one: Explanation, why: str, usual: str | None) -> Explanation:
    """Complete the explanation of a path without a row: excluded, or kept for the usual reason."""
    if one.action is not None:
        return one
    if why == UNKNOWN and usual is not None:
        return replace(one, action="keep", reason=usual)
    return replace(one, reason=why)
