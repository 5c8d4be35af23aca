"""What may be asked of the catalog a page at a time: content, differences, plans, runs, outcomes.

>>> page = catalog.content_page("s3://bucket", 7, ContentFilter("models/"))  # doctest: +SKIP
>>> page.rows[0].path, page.next_cursor                                     # doctest: +SKIP
('models/a.bin', 'WyJtb2RlbHMvei5iaW4iXQ')
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from catalog import reading, script
from catalog import version_reading as versions
from catalog.cursor import decoded, encoded
from catalog.diff import DiffRow, diff_query
from catalog.errors import InvalidInput, NotRecorded
from catalog.glob import regex
from catalog.holdings import Holdings
from catalog.outcome import Outcome, Status
from catalog.page import stream_rows, write_rows
from catalog.plan import Action
from catalog.run import PlanRow, Run
from catalog.version import ContentRow, Version

T = TypeVar("T")
PAGE = 1000  # rows of a page, by default
LARGEST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of those that follow; None where these are the last."""

    rows: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page is meant: the one after a cursor, and how many rows it has at most."""

    cursor: str | None = None
    count: int = PAGE

    def after(self, *kinds: type[str | int]) -> tuple[str | int | None, ...]:
        """Return the keys of the row before the page; None each where it is the first page."""
        if not 1 <= self.count <= LARGEST_PAGE:
            raise InvalidInput(
                f"a page of {self.count} was asked for; from 1 to {LARGEST_PAGE} are possible"
            )
        return (None,) * len(kinds) if self.cursor is None else decoded(self.cursor, *kinds)


FIRST = Asked()


@dataclass(frozen=True, slots=True)
class ContentFilter:
    """Which paths of a version are meant: those that begin so and match a glob."""

    prefix: str = ""
    glob: str = ""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are meant."""

    state: str | None = None
    kind: str | None = None
    flow_run_id: str | None = None


EVERY_PATH, EVERY_RUN = ContentFilter(), RunFilter()


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One case in which a file of a run failed a contract; `of` is how many cases the file has."""

    contract: str
    then: str
    path: str
    row: int | None
    column: str | None
    check: str
    value: str | None
    of: int


class Browsing(Holdings):
    """A catalog that is read a page at a time; nothing of it is held whole."""

    __slots__ = ()

    def latest_versions(self, addresses: Collection[str]) -> dict[str, Version]:
        """Return the latest version of each address that has one, without labels."""
        query = script.text("browse_latest")
        with self._reading() as connection:
            rows = script.ask(connection, query, tenant=self._tenant, addresses=list(addresses))
        return {
            address: Version(address, number, base, reading.aware(created_at), *rest)
            for address, number, base, created_at, *rest in rows
        }

    def content_page(
        self, address: str, number: int, where: ContentFilter = EVERY_PATH, asked: Asked = FIRST
    ) -> Page[ContentRow]:
        """Return a page of what a version lists, in path order."""
        (after,) = asked.after(str)
        pattern = regex([where.glob]) if where.glob else None
        with self._reading() as connection:
            key = self._key(address)
            versions.read_version(connection, key, address, number)
            rows = script.ask(
                connection,
                script.text("browse_content"),
                repository=key,
                number=number,
                prefix=where.prefix,
                pattern=pattern,
                after=after,
                count=asked.count + 1,
            )
        return _page([(ContentRow(*row), (row[0],)) for row in rows], asked)

    def diff_page(self, address: str, old: int, new: int, asked: Asked = FIRST) -> Page[DiffRow]:
        """Return a page of what `diff` would."""
        (after,) = asked.after(str)
        query = (
            f"SELECT * FROM ({diff_query()}) WHERE $after IS NULL OR path > $after"  # noqa: S608  # ours
            " ORDER BY path LIMIT $count"
        )
        with self._reading() as connection:
            key = self._key(address)
            for number in (old, new):
                versions.read_version(connection, key, address, number)
            values = {"repository": key, "old": old, "new": new}
            rows = script.ask(connection, query, after=after, count=asked.count + 1, **values)
        return _page([(DiffRow.of(row), (row[0],)) for row in rows], asked)

    def plan_page(
        self, plan_id: str, actions: Collection[Action], asked: Asked = FIRST
    ) -> Page[PlanRow]:
        """Return a page of what a plan says with one of some actions, by path and target."""
        path, target = asked.after(str, int)
        with self._opened() as connection:
            reading.read_plan(connection, self._tenant, plan_id)
            rows = script.ask(
                connection,
                script.text("browse_plan_rows"),
                tenant=self._tenant,
                plan_id=plan_id,
                actions=[one.value for one in actions],
                path=path,
                target=target,
                count=asked.count + 1,
            )
        return _page([(PlanRow(*row[:-1]), (row[0], row[-1])) for row in rows], asked)

    def run_page(self, where: RunFilter = EVERY_RUN, asked: Asked = FIRST) -> Page[Run]:
        """Return a page of the runs, the latest first."""
        started_us, run_id = asked.after(int, str)
        with self._reading() as connection:
            rows = script.ask(
                connection,
                script.text("browse_runs"),
                tenant=self._tenant,
                state=where.state,
                kind=where.kind,
                flow_run_id=where.flow_run_id,
                started_us=started_us,
                run_id=run_id,
                count=asked.count + 1,
            )
        runs = [reading.run_of(row) for row in rows]
        keyed = [
            (one, (round(one.started_at.timestamp() * 1e6) if one.started_at else 0, one.run_id))
            for one in runs
        ]
        return _page(keyed, asked)

    def outcome_page(
        self, run_id: str, status: Status | None = None, asked: Asked = FIRST
    ) -> Page[Outcome]:
        """Return a page of what became of each item of a run, in the order recorded."""
        rows = self._of_run("browse_outcomes", run_id, asked, status=status)
        return _page([(reading.outcome_of(row[:-2]), row[-2:]) for row in rows], asked)

    def failure_page(self, run_id: str, asked: Asked = FIRST) -> Page[FailureRow]:
        """Return a page of what contracts found in the files of a run, in the order recorded."""
        rows = self._of_run("browse_failures", run_id, asked)
        return _page([(FailureRow(*row[:-2]), row[-2:]) for row in rows], asked)

    def unlisted(self, address: str, number: int) -> str | None:
        """Return a path of a version that no manifest can tell of, if there is one."""
        query = script.text("browse_unlisted")
        with self._reading() as connection:
            rows = script.ask(connection, query, repository=self._key(address), number=number)
        path: str | None = rows[0][0]
        return path

    def manifest_lines(self, address: str, number: int) -> Iterator[str]:
        """Return the lines of a version's manifest, where it has no `unlisted` path."""
        copy = self._copy("manifest")
        with self._reading() as connection:
            values = {"repository": self._key(address), "number": number}
            write_rows(connection, copy, script.text("manifest"), **values)
        return (str(line) for (line,) in stream_rows(copy))

    def _of_run(self, name: str, run_id: str, asked: Asked, **more: object) -> list[script.Row]:
        batch, position = asked.after(str, int)
        with self._reading() as connection:
            if not reading.read_runs(connection, self._tenant, run_id, 1):
                raise NotRecorded("run", run_id)
            return script.ask(
                connection,
                script.text(name),
                tenant=self._tenant,
                run_id=run_id,
                batch=batch,
                position=position,
                count=asked.count + 1,
                **more,
            )


def _page(rows: Sequence[tuple[T, tuple[str | int, ...]]], asked: Asked) -> Page[T]:
    shown = rows[: asked.count]
    more = len(rows) > asked.count
    return Page(tuple(row for row, _ in shown), encoded(*shown[-1][1]) if more else None)
