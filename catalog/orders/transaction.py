"""The transaction in which orders are applied, with the SQL steps that they share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog.errors import InvalidInput, NotRecorded
from catalog.inbox import spool
from catalog.inbox.queue import Order
from catalog.store import statements
from catalog.store.diff_queries import changes_query
from catalog.store.keys import repository_key

FETCH_ROWS = 10_000  # rows
NOTHING = -1  # no version: the predecessor of the oldest remaining version
Result = dict[str, object]
"""The result of an applied order, as JSON."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of the catalog, in which orders of one tenant are applied."""

    connection: DuckDBPyConnection
    tenant: str
    spool: Path  # folder of finished listings

    def query(self, query: str, **values: object) -> list[statements.Row]:
        """Run one statement and return its rows."""
        return statements.fetch_rows(self.connection, query, **{"tenant": self.tenant, **values})

    def stream(self, query: str, **values: object) -> Iterator[statements.Row]:
        """Run one statement and yield its rows, a page at a time."""
        cursor = self.connection.execute(query, values)
        while rows := cursor.fetchmany(FETCH_ROWS):
            yield from rows

    def run_script(self, name: str, **values: object) -> None:
        """Run `sql/<subject>/<name>.sql`."""
        self.run_statements(statements.load_sql(name), **values)

    def run_statements(self, text: str, **values: object) -> None:
        """Run the statements of a text."""
        statements.execute_script(self.connection, text, {"tenant": self.tenant, **values})

    def count(self, query: str, **values: object) -> int:
        """Run a statement that returns one number."""
        number: int = self.query(query, **values)[0][0]
        return number

    def find_duplicate(self, table: str) -> object:
        """Return an `nkey` that occurs twice in a temporary table, or None."""
        query = f"SELECT nkey FROM {table} GROUP BY nkey HAVING count(*) > 1 LIMIT 1"  # noqa: S608  # ours
        rows = self.query(query)
        return rows[0][0] if rows else None

    def refuse_duplicates(self, table: str, address: str) -> None:
        """Refuse a listing of `address` that has a path twice."""
        nkey = self.find_duplicate(table)
        if nkey is not None:
            query = f"SELECT any_value(path) FROM {table} WHERE nkey = $nkey"  # noqa: S608  # ours
            path = self.query(query, nkey=nkey)[0][0]
            raise InvalidInput(f"the listing of {address!r} has {path!r} twice")

    def unseen_query(self, listing: str | None, rows: str, table: str) -> str:
        """Return a query for those of `rows` (nkey, path) that lie in the gaps of a listing.

        The gaps are loaded into the temporary `table`. Most listings have none: the query is
        trivial then.
        """
        file = None if listing is None else spool.gaps_file(self.spool, listing)
        if file is None:
            return "SELECT NULL::UUID AS nkey WHERE false"
        self.query(
            f"CREATE OR REPLACE TEMP TABLE {table} AS"  # noqa: S608  # ours
            " SELECT path, below FROM read_parquet($file)",
            file=file,
        )
        return statements.unseen_query(rows, table)

    def ensure_repository(self, address: str, order: Order, label: str | None = None) -> str:
        """Record a repository, with version 0, unless it is known; return its key."""
        key = repository_key(self.tenant, address)
        self.run_script(
            "versions/ensure_repository",
            repository=key,
            address=address,
            now=order.submitted_at,
            label=label,
        )
        return key

    def latest_number(self, repository: str) -> int:
        """Return the number of a repository's latest version."""
        return self.count(
            "SELECT max(number) FROM repository_versions WHERE repository = $repository::UUID",
            repository=repository,
        )

    def version_numbers(self, repository: str) -> list[int]:
        """Return the numbers of a repository's versions, the highest first."""
        query = (
            "SELECT number FROM repository_versions WHERE repository = $repository::UUID"
            " ORDER BY number DESC"
        )
        return [number for (number,) in self.query(query, repository=repository)]

    def highest_number(self, repository: str) -> int:
        """Return the highest version number that a repository ever had."""
        query = (
            "SELECT coalesce(max(highest), 0) FROM histories WHERE repository = $repository::UUID"
        )
        return max(self.latest_number(repository), self.count(query, repository=repository))

    def named_version(self, order: Order) -> tuple[str, int]:
        """Return repository key and number of the version that an order names."""
        body = order.body()
        address, number = str(body["repository"]), int(str(body["number"]))
        key = repository_key(self.tenant, address)
        if number not in self.version_numbers(key):
            raise NotRecorded("version", f"{address} {number}")
        return key, number

    def protection_reasons(self, repository: str, number: int) -> list[str]:
        """Return the reasons to keep a version."""
        query = (
            "SELECT reason FROM protections WHERE repository = $repository::UUID"
            " AND number = $number ORDER BY protected_at, reason"
        )
        rows = self.query(query, repository=repository, number=number)
        return [reason for (reason,) in rows]

    def make_version(
        self, repository: str, order: Order, run_id: str | None, plan_id: str | None
    ) -> int | None:
        """Create the next version from the temporary table `changes`; None if that is empty."""
        if not self.count("SELECT count(*) FROM changes"):
            return None
        number = self.highest_number(repository) + 1
        self.run_script(
            "versions/new_version",
            repository=repository,
            number=number,
            base=self.latest_number(repository),
            now=order.submitted_at,
            run_id=run_id,
            plan_id=plan_id,
        )
        self.apply_retention(repository)
        return number

    def apply_retention(self, repository: str) -> list[int]:
        """Delete the versions that retention does not keep; return their numbers."""
        gone = [
            number
            for (number,) in self.query(
                statements.load_sql("versions/beyond_retention"), repository=repository
            )
        ]
        if gone:
            self.squash(repository, gone)
        return gone

    def squash(self, repository: str, gone: list[int]) -> None:
        """Delete versions; the others keep their exact content, and their counts are recomputed."""
        remaining = sorted(set(self.version_numbers(repository)) - set(gone))
        self.run_script("versions/delete", repository=repository, gone=gone)
        for before, number in pairwise([NOTHING, *remaining]):
            if any(before < deleted < number for deleted in gone):
                self.run_statements(
                    statements.load_sql("versions/update_counts").replace(
                        "{changed}", changes_query()
                    ),
                    repository=repository,
                    old=before,
                    new=number,
                )
