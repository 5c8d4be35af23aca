"""What every order needs while it is folded: the open catalog, whose rows, and a few SQL steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog import script
from catalog.errors import InvalidInput
from catalog.inbox import Order
from catalog.keys import repository_key

FETCH = 10_000  # rows
Result = dict[str, object]
"""What a folded order answers, as JSON."""


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction of the catalog, inside which orders are folded."""

    connection: DuckDBPyConnection
    tenant: str
    spool: Path

    def ask(self, query: str, **values: object) -> list[script.Row]:
        """Run one statement and return its rows."""
        return script.ask(self.connection, query, **values)

    def stream(self, query: str, **values: object) -> Iterator[script.Row]:
        """Run one statement and yield its rows, a page at a time."""
        cursor = self.connection.execute(query, values)
        while rows := cursor.fetchmany(FETCH):
            yield from rows

    def run(self, name: str, **values: object) -> None:
        """Run `sql/<name>.sql`."""
        self.run_text(script.text(name), **values)

    def run_text(self, statements: str, **values: object) -> None:
        """Run the statements of a text."""
        script.run(self.connection, statements, {"tenant": self.tenant, **values})

    def count(self, query: str, **values: object) -> int:
        """Run a statement that gives one number."""
        number: int = self.ask(query, **values)[0][0]
        return number

    def twice(self, table: str) -> object:
        """Return an `nkey` that stands twice in one of our temporary tables, or None."""
        query = f"SELECT nkey FROM {table} GROUP BY nkey HAVING count(*) > 1 LIMIT 1"  # noqa: S608  # ours
        found = self.ask(query)
        return found[0][0] if found else None

    def refuse_twice(self, table: str, address: str) -> None:
        """Refuse a listing of `address` that names a path twice."""
        nkey = self.twice(table)
        if nkey is not None:
            query = f"SELECT any_value(path) FROM {table} WHERE nkey = $nkey"  # noqa: S608  # ours
            path = self.ask(query, nkey=nkey)[0][0]
            raise InvalidInput(f"the listing of {address!r} names {path!r} twice")

    def see(self, address: str, order: Order, label: str | None = None) -> str:
        """Make sure that a repository is known, with version 0, and return its key."""
        key = repository_key(self.tenant, address)
        self.run("see_repository", repository=key, address=address, now=order.given_at, label=label)
        return key

    def latest(self, repository: str) -> int:
        """Return the number of a repository's latest version."""
        return self.count(
            "SELECT max(number) FROM repository_versions WHERE repository = $repository::UUID",
            repository=repository,
        )

    def make_version(
        self, repository: str, order: Order, run_id: str | None, plan_id: str | None
    ) -> int | None:
        """Turn the temporary table `changes` into the next version; None when it is empty."""
        if not self.count("SELECT count(*) FROM changes"):
            return None
        number = self.latest(repository) + 1
        self.run(
            "new_version",
            repository=repository,
            number=number,
            now=order.given_at,
            run_id=run_id,
            plan_id=plan_id,
        )
        return number
