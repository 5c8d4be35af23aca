"""The catalog: what lies where, what was planned, what became of it, and every version.

Any number of processes and threads may share one file. What is written goes through the durable
inbox; the file is open only while the turnstile is held.

>>> catalog = Catalog(Path("catalog.duckdb"))                   # doctest: +SKIP
>>> catalog.latest("s3://bucket/models").total                  # doctest: +SKIP
1289
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Self, cast

from duckdb import DuckDBPyConnection

from catalog import history, reading
from catalog.database import Database, Reuse
from catalog.errors import CatalogBroken, NotRecorded
from catalog.fold import OUTCOMES, Folder
from catalog.glob import regex
from catalog.inbox import FOLDERS, Inbox
from catalog.keys import path_key, repository_key
from catalog.lock import Hold, Turnstile
from catalog.orders.work import Result
from catalog.outcome import Outcome, Status
from catalog.page import stream_content, write_content, write_outcomes
from catalog.plan import Action, Item, Plan, PlannedBatch, PlanRequest
from catalog.refusal import raise_refusal
from catalog.request import request_to_json
from catalog.run import PlanRow, Run, RunTally
from catalog.script import Row
from catalog.settings import Settings
from catalog.spool import Listing, Spool
from catalog.version import ContentRow, Location, Sizes, Version

BACKLOG = 100  # orders that may wait before whoever adds one more lends a hand
ORDER = 20_000  # outcomes in one order, so that folding it needs little memory


class Catalog:
    """One catalog file and the folder beside it, `<file>.d`; safe to share between threads."""

    __slots__ = ("_database", "_folder", "_inbox", "_tenant", "_timeout_s", "_turnstile", "path")

    def __init__(
        self,
        path: Path,
        *,
        tenant: str = "default",
        timeout_s: float = 120.0,
        threads: int = 2,
        memory: str = "512MB",
    ) -> None:
        """Use the catalog at `path`, made when first needed."""
        self.path = path.absolute()
        self._tenant = tenant
        self._timeout_s = timeout_s
        beside = self.path.with_name(self.path.name + ".d")
        for name in FOLDERS:
            (beside / name).mkdir(parents=True, exist_ok=True)
        self._folder = beside
        self._inbox = Inbox(beside)
        self._turnstile = Turnstile(beside, timeout_s)
        self._database = Database(self.path, beside / "tmp", threads=threads, memory=memory)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Open the catalog that the settings name."""
        chosen = Settings() if settings is None else settings
        return cls(
            chosen.catalog.expanduser(),
            tenant=chosen.tenant,
            timeout_s=chosen.catalog_timeout_s,
            threads=chosen.catalog_threads,
            memory=chosen.catalog_memory,
        )

    def spool(self) -> Spool:
        """Begin a listing; it enters the catalog by `record_listing` or `make_plan`."""
        return Spool(self._folder / "spool")

    def record_listing(
        self,
        repository: str,
        listing: Listing,
        *,
        run_id: str | None = None,
        label: str | None = None,
    ) -> Version:
        """Compare a full listing with the repository's latest version; return the one it is."""
        body = {"repository": repository, "listing": listing.listing_id}
        result = self._ask("listing", {**body, "run_id": run_id, "label": label})
        return self._version(repository, cast("int", result["number"]))

    def make_plan(self, request: PlanRequest) -> Plan:
        """Decide and store what a sync will do; raise `InvalidInput` where it cannot be done."""
        for patterns in (request.selection.include, request.selection.exclude):
            regex(patterns)
        self._ask("plan", request_to_json(request))
        return self.plan(request.plan_id)

    def record_outcomes(self, run_id: str, plan_id: str, outcomes: Sequence[Outcome]) -> str:
        """Hand over outcomes: durable when this returns, seen by whoever reads next."""
        batch = ""
        for start in range(0, max(len(outcomes), 1), ORDER):
            rows = outcomes[start : start + ORDER]
            write = partial(write_outcomes, run_id=run_id, plan_id=plan_id, outcomes=rows)
            batch = self._inbox.submit_file(f"{OUTCOMES}.parquet", write)
        if self._inbox.count() > BACKLOG:
            self._settle(batch, self._turnstile)  # whoever hands over faster than all fold, folds
        return batch

    def record_versions(
        self, run_id: str, plan_id: str, *, allow_partial: bool = False
    ) -> tuple[Version | None, ...]:
        """Make the next version of each target of a plan; None where nothing changed.

        A target with failed or unfinished items gets None too, unless `allow_partial`.
        """
        result = self._ask(
            "version", {"run_id": run_id, "plan_id": plan_id, "allow_partial": allow_partial}
        )
        targets = self.plan(plan_id).tallies
        return tuple(
            None if number is None else self._version(target.address, number)
            for target, number in zip(
                targets, cast("list[int | None]", result["numbers"]), strict=True
            )
        )

    def start_run(self, run: Run) -> None:
        """Remember that a run began."""
        body = asdict(run)
        for name in ("started", "ended"):
            moment = body.pop(f"{name}_at")
            body[f"{name}_us"] = None if moment is None else int(moment.timestamp() * 1e6)
        self._inbox.submit("run-start", body)

    def end_run(
        self, run_id: str, state: str, message: str | None = None, *, plan_id: str | None = None
    ) -> None:
        """Remember how a run ended."""
        body = {"run_id": run_id, "state": state, "message": message, "plan_id": plan_id}
        self._inbox.submit("run-end", body)

    def settle(self, timeout_s: float | None = None) -> None:
        """Fold all that waits."""
        turnstile = self._turnstile
        if timeout_s is not None:
            turnstile = Turnstile(self._folder, timeout_s)
        newest = self._inbox.newest()
        if newest is not None:
            self._settle(newest, turnstile)

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

    def _key(self, address: str) -> str:
        return repository_key(self._tenant, address)

    def _version(self, address: str, number: int | None) -> Version:
        with self._reading() as connection:
            return history.read_version(connection, self._key(address), address, number)

    @contextmanager
    def _reading(self, reuse: Reuse = Reuse.ENGINE) -> Generator[DuckDBPyConnection]:
        # Whoever reads first folds what waits, so that a process sees all it handed over before.
        self.settle()
        with self._opened(reuse) as connection:
            yield connection

    @contextmanager
    def _opened(self, reuse: Reuse = Reuse.ENGINE) -> Generator[DuckDBPyConnection]:
        # Enough for what never changes, such as a plan: it leaves outcomes to wait for each other.
        if not self._database.exists():
            with self._turnstile.hold(Hold.ALONE, unless=self._database.exists) as held:
                if held:
                    with self._database.writable():
                        pass  # it is made by being opened
        with self._turnstile.hold(Hold.SHARED), self._database.readable(reuse) as connection:
            yield connection

    def _settle(self, batch: str, turnstile: Turnstile) -> dict[str, Result]:
        # No further than `batch`, so that nobody waits for the orders of those who came later.
        with turnstile.hold(Hold.ALONE, unless=lambda: not self._inbox.waits(batch)) as held:
            if not held:
                return {}
            folder = Folder(self._database, self._inbox, self._folder / "spool", self._tenant)
            return folder.settle(batch)

    def _ask(self, kind: str, body: dict[str, object]) -> Result:
        batch = self._inbox.submit(kind, body)
        result = self._settle(batch, self._turnstile).get(batch)
        if result is None:
            result = self._answer(batch)
        raise_refusal(result)
        return result

    def _answer(self, batch: str) -> Result:
        # Somebody else folded the order, or set it aside.
        why = self._inbox.verdict(batch)
        if why is not None:
            raise CatalogBroken(f"the catalog refused an order: {why}")
        with self._opened() as connection:
            query = "SELECT result FROM ingested WHERE batch = ?"
            found = connection.execute(query, [batch]).fetchone()
        if found is None:
            raise CatalogBroken(f"order {batch!r} was lost")
        return cast("Result", json.loads(found[0]))
