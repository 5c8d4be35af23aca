"""Runs: what each did, file by file, what it could not list, and what contracts found.

>>> catalog.runs.all(limit=10)                                  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from catalog.catalog_file import CatalogFile
from catalog.errors import NotRecorded
from catalog.inbox.spool import Listing
from catalog.model.breach import Breach
from catalog.model.gap import FoundGap, Gap
from catalog.model.outcome import Outcome, Status
from catalog.model.run import Run, RunTally
from catalog.orders.apply import BREACHES, OUTCOMES
from catalog.queries import read_runs
from catalog.queries.explain import Explanation, read_explanations
from catalog.queries.paging import (
    EVERY_RUN,
    FIRST_PAGE,
    FailureRow,
    Page,
    PageRequest,
    RunFilter,
    make_page,
)
from catalog.store import statements
from catalog.store.parquet import write_breaches, write_outcomes

OUTCOMES_PER_ORDER = 20_000  # so that applying one needs little memory


class Runs:
    """The runs of a catalog."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def start(self, run: Run) -> None:
        """Record that a run began."""
        body = asdict(run)
        for name in ("started", "ended"):
            moment = body.pop(f"{name}_at")
            body[f"{name}_us"] = None if moment is None else int(moment.timestamp() * 1e6)
        self._file.submit("run-start", body)

    def end(
        self, run_id: str, state: str, message: str | None = None, *, plan_id: str | None = None
    ) -> None:
        """Record how a run ended."""
        body = {"run_id": run_id, "state": state, "message": message, "plan_id": plan_id}
        self._file.submit("run-end", body)

    def get(self, run_id: str) -> Run:
        """Return one run."""
        with self._file.connect_flushed() as connection:
            runs = read_runs.read_runs(connection, self._file.tenant, run_id, 1)
        if not runs:
            raise NotRecorded("run", run_id)
        return runs[0]

    def all(self, limit: int | None = None) -> list[Run]:
        """Return the runs, the latest first."""
        with self._file.connect_flushed() as connection:
            return read_runs.read_runs(connection, self._file.tenant, None, limit)

    def last_sync(self, source: str, destinations: tuple[str, ...], except_run: str) -> Run | None:
        """Return the last ended sync with a plan between these addresses, except one run."""
        with self._file.connect_flushed() as connection:
            return read_runs.read_last_sync(
                connection, self._file.tenant, source, destinations, except_run
            )

    def tallies(self, run_id: str) -> tuple[RunTally, ...]:
        """Return what a run did at each destination, including what its plan kept."""
        with self._file.connect_flushed() as connection:
            return read_runs.read_tallies(connection, self._file.tenant, run_id)

    def outcomes(
        self, run_id: str, status: Status | None = None, limit: int | None = None
    ) -> list[Outcome]:
        """Return the outcome of each item of a run, in the order recorded."""
        with self._file.connect_flushed() as connection:
            return read_runs.read_outcomes(connection, self._file.tenant, run_id, status, limit)

    def gaps(self, run_id: str) -> list[FoundGap]:
        """Return the gaps of a run's listings, the source's first."""
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection,
                statements.load_sql("runs/gaps"),
                run_id=run_id,
                tenant=self._file.tenant,
            )
        return [FoundGap(address, role, Gap(*told)) for address, role, *told in rows]

    def breaches(self, run_id: str, limit: int | None = None) -> list[Breach]:
        """Return what contracts found in the files of a run; `limit` counts failure cases."""
        with self._file.connect_flushed() as connection:
            return read_runs.read_breaches(connection, self._file.tenant, run_id, limit)

    def page(self, where: RunFilter = EVERY_RUN, request: PageRequest = FIRST_PAGE) -> Page[Run]:
        """Return a page of the runs, the latest first."""
        started_us, run_id = request.cursor_keys(int, str)
        with self._file.connect_flushed() as connection:
            rows = statements.fetch_rows(
                connection,
                statements.load_sql("runs/page"),
                tenant=self._file.tenant,
                state=where.state,
                kind=where.kind,
                flow_run_id=where.flow_run_id,
                within=None if where.within is None else list(where.within),
                started_us=started_us,
                run_id=run_id,
                count=request.count + 1,
            )
        runs = [read_runs.run_from_row(row) for row in rows]
        keyed = [
            (run, (round(run.started_at.timestamp() * 1e6) if run.started_at else 0, run.run_id))
            for run in runs
        ]
        return make_page(keyed, request)

    def outcome_page(
        self, run_id: str, status: Status | None = None, request: PageRequest = FIRST_PAGE
    ) -> Page[Outcome]:
        """Return a page of a run's outcomes, in the order recorded."""
        rows = self._run_page_rows("runs/outcomes_page", run_id, request, status=status)
        return make_page(
            [(read_runs.outcome_from_row(row[:-2]), row[-2:]) for row in rows], request
        )

    def failure_page(self, run_id: str, request: PageRequest = FIRST_PAGE) -> Page[FailureRow]:
        """Return a page of a run's failure cases, in the order recorded."""
        rows = self._run_page_rows("runs/failures_page", run_id, request)
        return make_page([(FailureRow(*row[:-2]), row[-2:]) for row in rows], request)

    def explain(self, run_id: str, path: str) -> list[Explanation]:
        """Explain what a run did with one path, at each of its destinations."""
        with self._file.connect_flushed() as connection:
            return read_explanations(connection, self._file.tenant, run_id, path)

    def record_outcomes(self, run_id: str, plan_id: str, outcomes: Sequence[Outcome]) -> str:
        """Submit outcomes: durable when this returns, and visible to the next reader."""
        batch = ""
        for start in range(0, max(len(outcomes), 1), OUTCOMES_PER_ORDER):
            rows = outcomes[start : start + OUTCOMES_PER_ORDER]
            write = partial(write_outcomes, run_id=run_id, plan_id=plan_id, outcomes=rows)
            batch = self._file.submit_file(f"{OUTCOMES}.parquet", write)
        self._file.apply_backlog(batch)
        return batch

    def record_breaches(self, run_id: str, breaches: Sequence[Breach]) -> None:
        """Submit what contracts found: durable when this returns."""
        write = partial(write_breaches, run_id=run_id, breaches=breaches)
        self._file.submit_file(f"{BREACHES}.parquet", write)

    def record_gaps(self, run_id: str, address: str, role: str, listing: Listing) -> None:
        """Record the gaps of a listing; `role` says what was listed."""
        body = {"run_id": run_id, "address": address, "role": role, "listing": listing.listing_id}
        self._file.submit("gaps", body)

    def _run_page_rows(
        self, name: str, run_id: str, request: PageRequest, **more: object
    ) -> list[statements.Row]:
        batch, position = request.cursor_keys(str, int)
        with self._file.connect_flushed() as connection:
            if not read_runs.read_runs(connection, self._file.tenant, run_id, 1):
                raise NotRecorded("run", run_id)
            return statements.fetch_rows(
                connection,
                statements.load_sql(name),
                tenant=self._file.tenant,
                run_id=run_id,
                batch=batch,
                position=position,
                count=request.count + 1,
                **more,
            )
