"""What may be asked of the catalog: plans, runs, versions, content, locations, sizes, and SQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from catalog import history, reading
from catalog.access import Access
from catalog.database import Reuse
from catalog.errors import NotRecorded
from catalog.keys import path_key
from catalog.outcome import Outcome, Status
from catalog.page import stream_content, write_content
from catalog.plan import Action, Item, Plan, PlannedBatch
from catalog.run import PlanRow, Run, RunTally
from catalog.script import Row
from catalog.version import ContentRow, Location, Sizes, Version


class Questions(Access):
    """A catalog that is only asked: take this where nothing is to be recorded."""

    __slots__ = ()

    def plan(self, plan_id: str) -> Plan:
        """Return a stored plan."""
        with self._opened() as connection:
            return reading.read_plan(connection, plan_id)

    def batches(self, plan_id: str) -> list[PlannedBatch]:
        """Return the batches of a plan in order; removals come last."""
        with self._opened() as connection:
            return reading.read_batches(connection, plan_id)

    def items(self, plan_id: str, batch: int) -> list[Item]:
        """Return what one batch holds, in path order."""
        with self._opened() as connection:
            return reading.read_items(connection, plan_id, batch)

    def rows(
        self, plan_id: str, action: Action | None = None, limit: int | None = None
    ) -> list[PlanRow]:
        """Return what a plan says of each path at each destination, and why."""
        with self._opened() as connection:
            return reading.read_rows(connection, plan_id, action, limit)

    def run(self, run_id: str) -> Run:
        """Return one run."""
        with self._reading() as connection:
            found = reading.read_runs(connection, run_id, 1)
        if not found:
            raise NotRecorded("run", run_id)
        return found[0]

    def runs(self, limit: int | None = None) -> list[Run]:
        """Return the runs, the latest first."""
        with self._reading() as connection:
            return reading.read_runs(connection, None, limit)

    def outcomes(
        self, run_id: str, status: Status | None = None, limit: int | None = None
    ) -> list[Outcome]:
        """Return what became of each item of a run, in the order recorded."""
        with self._reading() as connection:
            return reading.read_outcomes(connection, run_id, status, limit)

    def tallies(self, run_id: str) -> tuple[RunTally, ...]:
        """Return what a run did at each destination; what its plan kept counts as kept."""
        with self._reading() as connection:
            return reading.read_tallies(connection, run_id)

    def versions(self, address: str) -> list[Version]:
        """Return every version of a repository, 0 first."""
        with self._reading() as connection:
            return history.read_versions(connection, self._key(address), address)

    def latest(self, address: str) -> Version:
        """Return the latest version of a repository."""
        return self._version(address, None)

    def content(self, address: str, number: int | None = None) -> Iterator[ContentRow]:
        """Return the resources of a version, the latest by default, in path order."""
        copy = self._folder / "tmp" / f"{uuid.uuid4().hex}.content"
        with self._reading() as connection:
            version = history.read_version(connection, self._key(address), address, number)
            write_content(connection, copy, self._key(address), version.number)
        return stream_content(copy)

    def locations(self, digest: str) -> list[Location]:
        """Return everywhere the bytes of a sha256 (hex) are known to lie."""
        with self._reading() as connection:
            return history.read_locations(connection, digest.removeprefix("sha256:"))

    def location(self, address: str, path: str) -> Location | None:
        """Return what a repository is known to hold at a path."""
        with self._reading() as connection:
            key = path_key(self._tenant, path)
            return history.read_location(connection, self._key(address), key)

    def sizes(self, address: str) -> Sizes:
        """Add up the latest version of a repository."""
        with self._reading() as connection:
            return history.read_sizes(connection, self._key(address))

    def sql(self, query: str, params: object = None) -> list[Row]:
        """Run a query of your own on the tables, for reading alone and without files."""
        with self._reading(Reuse.NOTHING) as connection:
            connection.execute("SET enable_external_access = false")
            return connection.execute(query, params).fetchall()

    def _version(self, address: str, number: int | None) -> Version:
        with self._reading() as connection:
            return history.read_version(connection, self._key(address), address, number)
