"""What may be asked of the catalog: plans, runs, locations, SQL, and every version."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from catalog import reading
from catalog.audit import Audit, Contradiction, Flaw, audited
from catalog.breach import Breach
from catalog.browsing import Browsing
from catalog.database import Reuse
from catalog.errors import NotRecorded
from catalog.explain import Explanation, read_explanations
from catalog.keys import path_key
from catalog.outcome import Outcome, Status
from catalog.plan import Action, Item, Plan, PlannedBatch, PlanRequest
from catalog.run import PlanRow, Run, RunTally
from catalog.script import Row
from catalog.version import Location
from catalog.version_reading import read_location, read_locations

if TYPE_CHECKING:
    import polars as pl


class Questions(Browsing):
    """A catalog that is only asked: take this where nothing is to be recorded."""

    __slots__ = ()

    def plan(self, plan_id: str) -> Plan:
        """Return a stored plan."""
        with self._opened() as connection:
            return reading.read_plan(connection, self._tenant, plan_id)

    def batches(self, plan_id: str) -> list[PlannedBatch]:
        """Return the batches of a plan in order; removals come last."""
        with self._opened() as connection:
            return reading.read_batches(connection, self._tenant, plan_id)

    def items(self, plan_id: str, batch: int, places: Collection[str] | None = None) -> list[Item]:
        """Return what one batch holds, in path order.

        `places` are the addresses that may be read beside source and targets, by default those
        that the plan was made with.
        """
        with self._opened() as connection:
            return reading.read_items(connection, self._tenant, plan_id, batch, places)

    def rows(
        self, plan_id: str, action: Action | None = None, limit: int | None = None
    ) -> list[PlanRow]:
        """Return what a plan says of each path at each destination, and why."""
        with self._opened() as connection:
            return reading.read_rows(connection, self._tenant, plan_id, action, limit)

    def changes(self, plan_id: str, limit: int | None = None) -> list[PlanRow]:
        """Return the rows of a plan that ask for something, removals first."""
        with self._opened() as connection:
            return reading.read_changes(connection, self._tenant, plan_id, limit)

    def request(self, plan_id: str) -> PlanRequest:
        """Return what a stored plan was asked for with."""
        with self._opened() as connection:
            return reading.read_request(connection, self._tenant, plan_id)

    def explain(self, run_id: str, path: str) -> list[Explanation]:
        """Say why a run did what it did with one path, at each of its destinations."""
        with self._reading() as connection:
            return read_explanations(connection, self._tenant, run_id, path)

    def audit(self) -> Audit:
        """Compare all that is derived in the catalog with what it is derived from."""
        with self._reading() as connection:
            found = audited(connection, self._tenant)
        aside = tuple(
            Contradiction(Flaw.ORDER, batch, None, None, "an order that can be folded", why)
            for batch, why in self.set_aside().items()
        )
        return Audit((*found.contradictions, *aside), found.count + len(aside))

    def set_aside(self) -> dict[str, str]:
        """Return why each order was set aside that could not be folded, by its batch."""
        return self._inbox.verdicts()

    def run(self, run_id: str) -> Run:
        """Return one run."""
        with self._reading() as connection:
            found = reading.read_runs(connection, self._tenant, run_id, 1)
        if not found:
            raise NotRecorded("run", run_id)
        return found[0]

    def last_sync(self, source: str, destinations: tuple[str, ...], but: str) -> Run | None:
        """Return the last sync between these addresses that ended and planned, `but` one."""
        with self._reading() as connection:
            return reading.read_last_sync(connection, self._tenant, source, destinations, but)

    def runs(self, limit: int | None = None) -> list[Run]:
        """Return the runs, the latest first."""
        with self._reading() as connection:
            return reading.read_runs(connection, self._tenant, None, limit)

    def outcomes(
        self, run_id: str, status: Status | None = None, limit: int | None = None
    ) -> list[Outcome]:
        """Return what became of each item of a run, in the order recorded."""
        with self._reading() as connection:
            return reading.read_outcomes(connection, self._tenant, run_id, status, limit)

    def breaches(self, run_id: str, limit: int | None = None) -> list[Breach]:
        """Return what contracts found in the files of a run; `limit` is of failure cases."""
        with self._reading() as connection:
            return reading.read_breaches(connection, self._tenant, run_id, limit)

    def tallies(self, run_id: str) -> tuple[RunTally, ...]:
        """Return what a run did at each destination; what its plan kept counts as kept."""
        with self._reading() as connection:
            return reading.read_tallies(connection, self._tenant, run_id)

    def locations(self, digest: str) -> list[Location]:
        """Return everywhere the bytes of a sha256 (hex) are known to lie."""
        with self._reading() as connection:
            return read_locations(connection, self._tenant, digest.removeprefix("sha256:"))

    def location(self, address: str, path: str) -> Location | None:
        """Return what a repository is known to hold at a path."""
        with self._reading() as connection:
            key = path_key(self._tenant, path)
            return read_location(connection, self._key(address), key)

    def sql(self, query: str, params: object = None) -> list[Row]:
        """Run a query of your own on the tables, for reading alone and without files."""
        return self._answered(query, params)[1]

    def frame(self, query: str, params: object = None) -> pl.DataFrame:
        """Run a query as `sql` does, and return its answer as a table of polars."""
        import polars as pl  # noqa: PLC0415  # costs 0.1 s, and only notebooks want it

        names, rows = self._answered(query, params)
        return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)

    def _answered(self, query: str, params: object) -> tuple[list[str], list[Row]]:
        with self._reading(Reuse.NOTHING) as connection:
            connection.execute("SET enable_external_access = false")
            answer = connection.execute(query, params)
            return [column[0] for column in answer.description or ()], answer.fetchall()
